"""Received metrics beside the sidecar's own: on /metrics, in the head, and what is told about those that do not fit."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.collect.self import SelfCollector, Source
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.model.redact import unmasked
from sidecar.runtime.by_config import ByConfig
from sidecar.runtime.pages import Pages
from sidecar.runtime.received_metrics import SOURCE, OtlpMetricConflict, ShownMetrics, names_of, received_metrics
from sidecar.runtime.watched_clock import WatchedClock
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, RecordedEvents, settle
from tests.servers import samples_of
from tests.unit.metrics.conftest import counter, gauge, request_of

TARGET: Labels = (("instance", "pod:9464"), ("job", "sidecar"))


class Shown:
    """A store that is read as the process reads it; `own` is what the sidecar has on its page."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        self.pages = Pages(self.clock.monotonic)
        self.head = Head(HeadConfig())
        self.store = received_metrics(OtlpMetricsConfig(), self.events, unmasked)
        self.own("pg_up", 1)

    def own(self, name: str, value: float) -> None:
        self.pages.put("self", [FamilySamples(Family(name, MetricType.GAUGE, "Ours."), [Sample(name, (), value)])])

    def receive(self, time: int = 1) -> None:
        request = request_of(counter("orders", 5, time), gauge("pg.up", 0, time), service_name="shop")
        for batch in MetricBatches(request.SerializeToString(), self.clock.now()):
            self.store.accept(batch)

    async def read(self) -> None:
        sources = [Source(SOURCE, ShownMetrics(self.store, self.pages), self.pages)]
        async with asyncio.TaskGroup() as group:
            collector = SelfCollector(self.head, TARGET, 15.0, WatchedClock(self.clock), self.events, lambda: sources)
            task = group.create_task(collector.run(lambda: None))
            await settle()
            for _ in range(20):
                await self.clock.advance(0)
            task.cancel()

    def stored(self) -> list[dict[str, str]]:
        """Return the labels of what is live in the head, without the sidecar's metrics about the store."""
        now_ms = round(self.clock.now() * 1000)
        found = [
            dict(labels)
            for block in self.head.select([], now_ms - 1000, now_ms)
            for labels, value in zip(block.labels, block.values[:, -1].tolist(), strict=True)
            if value == value
        ]
        return [labels for labels in found if not labels[METRIC_NAME].startswith("sidecar_")]


async def test_series_have_the_labels_in_the_head_that_a_scrape_of_the_page_gives_them() -> None:
    shown = Shown()
    shown.receive()
    await shown.read()
    assert samples_of(shown.pages.render().decode())['orders_total{job="shop"}'] == 5
    assert shown.stored() == [
        {METRIC_NAME: "orders_total", "exported_job": "shop", "instance": "pod:9464", "job": "sidecar"}
    ]


async def test_a_family_that_the_sidecar_shows_stays_the_sidecars_and_that_is_told_once() -> None:
    shown = Shown()
    for time in range(1, 4):
        shown.receive(time)
        await shown.read()
        shown.clock.pass_by(15)
    text = shown.pages.render().decode()
    assert samples_of(text)["pg_up"] == 1
    assert samples_of(text)['sidecar_otlp_metrics_dropped_total{reason="taken"}'] == 2
    assert len([*text_string_to_metric_families(text)]) == 5
    (event,) = shown.events.seen
    assert isinstance(event, OtlpMetricConflict)
    assert event.family == "pg_up"
    assert event.problem.startswith("is on /metrics from elsewhere")


def test_names_are_those_of_samples() -> None:
    assert names_of({"a": MetricType.HISTOGRAM, "b": MetricType.GAUGE}) == {"a", "a_bucket", "a_sum", "a_count", "b"}


def test_a_store_lives_as_long_as_its_settings_and_comes_back_when_a_reload_is_taken_back() -> None:
    made = list[OtlpMetricsConfig]()
    first, second = OtlpMetricsConfig(), OtlpMetricsConfig(max_metrics=5)

    def make(config: OtlpMetricsConfig) -> str:
        made.append(config)
        return f"store {len(made)}"

    stores = ByConfig(first, make)
    assert (stores.of(second), stores.current) == ("store 2", "store 2")
    assert stores.of(first) == "store 1"
    stores.adopt(second)
    assert (stores.of(second), stores.current) == ("store 2", "store 2")
    assert stores.of(first) == "store 3"
