"""Runners around real servers: what they put on the page, in the head's batches and in the log."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.runner import PostgresRunner
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.runner import RedisRunner
from sidecar.collect.runner import ScrapeContext, Target, TargetRunner
from sidecar.model.labels import Labels
from sidecar.model.sample import SampleBatch
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.events import Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.pages import Pages


class Scraped:
    """A runner and everything it gives away; its publisher is this object."""

    def __init__(self) -> None:
        self.batches: list[SampleBatch] = []
        clock, meter = SystemClock(), Meter(CollectorRegistry())
        self.pages = Pages(clock.monotonic)
        self.context = ScrapeContext(self, clock, Events(logging.getLogger("sidecar"), meter, clock), meter)
        self.runner: TargetRunner

    async def publish(self, batch: SampleBatch, /) -> None:
        self.batches.append(batch)
        self.pages.put(batch.source, batch.families)

    async def scrape(self) -> dict[str, dict[Labels, float]]:
        """Scrape once and return the samples on the page by name and labels."""
        await self.runner._scrape_once()
        return self.samples()

    def counted(self, name: str, **labels: str) -> float:
        """Return one of our own counters."""
        return self.context.meter.registry.get_sample_value(name, labels) or 0.0

    def samples(self) -> dict[str, dict[Labels, float]]:
        """Return the last batch's samples by name and labels; the page must be one that Prometheus' parser reads."""
        assert list(text_string_to_metric_families(self.pages.render().decode()))
        found: dict[str, dict[Labels, float]] = {}
        for _, samples in self.batches[-1].families:
            for name, labels, value in samples:
                found.setdefault(name, {})[labels] = value
        return found


@contextmanager
def scraping_postgres(dsn: str | None, known: Sequence[Any] = POSTGRES_VIEWS, **settings: Any) -> Iterator[Scraped]:
    """Yield a runner on `dsn`; its connection is gone afterwards."""
    scraped = Scraped()
    config = PostgresConfig.model_validate({"dsn": dsn, **settings})
    scraped.runner = PostgresRunner(config, known, Target("main", 1.0, ()), scraped.context)
    try:
        yield scraped
    finally:
        scraped.runner._drop_connection()


@contextmanager
def scraping_redis(url: str | None, **settings: Any) -> Iterator[Scraped]:
    """Yield a runner on `url`; its connection is gone afterwards."""
    scraped = Scraped()
    config = RedisConfig.model_validate({"url": url, **settings})
    scraped.runner = RedisRunner(config, REDIS_SECTIONS, Target("main", 1.0, ()), scraped.context)
    try:
        yield scraped
    finally:
        scraped.runner._drop_connection()
