"""Scraping one target on its interval: deadline, timing, up and down, once for every kind of target."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol
from zlib import crc32

from sidecar.collect.events import CollectorFailed, ScrapeCutShort, TargetDown, TargetUp
from sidecar.model.family import FamilySamples
from sidecar.model.labels import EMPTY, Labels
from sidecar.model.redact import redact
from sidecar.model.sample import SampleBatch
from sidecar.model.span import SpanKind
from sidecar.model.target import TargetName
from sidecar.runtime.clock import Clock, next_tick
from sidecar.runtime.events import Events
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import NO_TRACING, Span, Tracing, Value


@dataclass(frozen=True, slots=True)
class Target:
    """Who is scraped, and how its series are labelled.

    `labels` are the job and instance that only the head adds. `extra` is what /metrics adds too, and /probe does not:
    `(("target", name),)` when several targets of a kind are configured. `phase_seconds` is how long after the grid of
    its interval it is scraped.
    """

    name: str
    interval_seconds: float
    labels: Labels
    extra: Labels = EMPTY
    phase_seconds: float = 0.0


def phase_of(who: str) -> float:
    """Return when in an interval `who` has its turn, from 0 to 1, always the same: all at once would be a burst."""
    return crc32(who.encode()) / 2**32


class Publisher(Protocol):
    """Takes what a scrape brought."""

    async def publish(self, batch: SampleBatch, /) -> None:
        """Show and keep `batch`, in slices short enough for probes; return when that is done."""
        ...


@dataclass(frozen=True, slots=True)
class ScrapeContext:
    """What every runner needs from the process."""

    publisher: Publisher
    clock: Clock
    events: Events
    meter: Meter
    tracing: Tracing = NO_TRACING


@dataclass(slots=True)
class CollectorResult:
    """How one view or section fared; one that is asked several times succeeded when it did each time."""

    success: bool = False
    duration_seconds: float = 0.0
    asked: bool = False

    def note(self, success: bool, seconds: float) -> None:
        """Take the outcome of being asked once."""
        self.success = success and (self.success or not self.asked)
        self.duration_seconds += seconds
        self.asked = True


@dataclass(slots=True)
class Scrape:
    """What is known so far; a deadline leaves it as it is at that moment."""

    up: bool = False
    error: str = ""
    error_kind: str = ""
    families: list[FamilySamples] = field(default_factory=list)
    results: dict[str, CollectorResult] = field(default_factory=dict)


class _TargetMeter:
    """Our own metrics of one target."""

    def __init__(self, meter: Meter, kind: str, name: str) -> None:
        self._labels = (kind, name)
        names = ["kind", "target"]
        self._duration = meter.gauge(
            "sidecar_target_scrape_duration_seconds", "Time the last scrape of the target took.", names
        )
        self._up = meter.gauge("sidecar_target_up", "1 when the target answered the last scrape.", names)
        self._success = meter.gauge(
            "sidecar_target_last_success_timestamp_seconds",
            "When the target last answered a scrape, Unix time; 0: never.",
            names,
        )
        self._scrapes = meter.counter("sidecar_target_scrapes_total", "Scrapes of the target.", names)
        self._failures = meter.counter(
            "sidecar_target_scrape_failures_total", "Scrapes that the target did not answer.", names
        )

    def observe(self, up: bool, duration_seconds: float, now: float) -> None:
        """Take the outcome of one scrape; the first one makes every series appear."""
        self._scrapes.labels(*self._labels).inc()
        self._failures.labels(*self._labels).inc(not up)
        self._duration.labels(*self._labels).set(duration_seconds)
        self._up.labels(*self._labels).set(up)
        success = self._success.labels(*self._labels)
        if up:
            success.set(now)

    def forget(self) -> None:
        """Let the series end: the target is not scraped any more."""
        for metric in (self._scrapes, self._failures, self._duration, self._up, self._success):
            metric.remove(*self._labels)


class TargetRunner(ABC):
    """Component that scrapes one target at once and then on the grid of its interval, in its phase.

    One connection stays open. It is kept between scrapes, dropped after a failure or a deadline, and opened again
    at the next scrape only: the interval is the retry. The deadline is for the target alone; the next scrape waits
    until this one is published.
    """

    kind: ClassVar[str]

    def __init__(self, target: Target, timeout_seconds: float, context: ScrapeContext) -> None:
        self.name = str(TargetName(self.kind, target.name))
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._publisher = context.publisher
        self._clock = context.clock
        self._events = context.events
        self._tracing = context.tracing
        self._meter = _TargetMeter(context.meter, self.kind, target.name)
        self._was_up: bool | None = None
        self._failing: set[str] = set()
        self.scrapes = 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Scrape until cancelled; the connection and our series of the target are gone when this returns."""
        ready()
        try:
            while True:
                await self._scrape_once()
                now = self._clock.now()
                target = self._target
                await self._clock.sleep(next_tick(now, target.interval_seconds, target.phase_seconds) - now)
        finally:
            self._drop_connection()
            self._meter.forget()

    @abstractmethod
    async def _scrape(self, scrape: Scrape) -> None:
        """Fill `scrape`; set `up` as soon as the target answered. May raise and be cancelled at any point."""

    @abstractmethod
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        """Return the families about the scrape itself, `pg_up` and the like."""

    @abstractmethod
    def _drop_connection(self) -> None:
        """Close the connection at once, without waiting for the server; harmless when there is none."""

    def _secrets(self) -> Iterable[str]:
        """Return what must not stand in an error message wherever it comes from."""
        return ()

    async def _scrape_once(self) -> None:
        started = self._clock.monotonic()
        time_ms = round(self._clock.now() * 1000)
        scrape = Scrape()
        facts: dict[str, Value] = {"sidecar.target.kind": self.kind, "sidecar.target.name": self._target.name}
        with self._tracing.span(f"scrape {self.kind}", SpanKind.CLIENT, facts) as span:
            await self._attempt(scrape)
            _conclude(span, scrape)
        await self._finish(scrape, time_ms, self._clock.monotonic() - started)

    async def _attempt(self, scrape: Scrape) -> None:
        """Scrape, whatever happens; what went wrong stands in `scrape`."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._scrape(scrape)
        except TimeoutError:
            self._drop_connection()
            scrape.error = f"no answer within {self._timeout_seconds:g} s"
            scrape.error_kind = "timeout"
        except Exception as error:  # noqa: BLE001 - the edge: whatever a target does is its state, and is reported
            self._drop_connection()
            scrape.error = self._error_text(error)
            scrape.error_kind = type(error).__name__

    async def _finish(self, scrape: Scrape, time_ms: int, duration_seconds: float) -> None:
        self.scrapes += 1
        self._tell(scrape)
        self._meter.observe(scrape.up, duration_seconds, self._clock.now())
        families = [*scrape.families, *self._summary(scrape, duration_seconds)]
        batch = SampleBatch(
            self.name, time_ms, self._target.labels, families, scrape.up, self._target.extra, scrape.error
        )
        await self._publisher.publish(batch)

    def _tell(self, scrape: Scrape) -> None:
        if scrape.up is not self._was_up:
            if not scrape.up:
                self._events.emit(TargetDown(self.name, scrape.error))
            elif self._was_up is not None:
                self._events.emit(TargetUp(self.name))
        if scrape.up and scrape.error:
            self._events.emit(ScrapeCutShort(self.name, scrape.error))
        self._was_up = scrape.up

    def _collector_failed(self, collector: str, error: Exception) -> None:
        if collector not in self._failing:
            self._failing.add(collector)
            self._events.emit(CollectorFailed(self.name, collector, self._error_text(error)))

    def _error_text(self, error: Exception) -> str:
        return redact(reason_of(error), self._secrets()).rstrip(".")


def _conclude(span: Span, scrape: Scrape) -> None:
    """Say in `span` how the scrape ended; `cut_short` is one whose target answered, and then did no more."""
    outcome = "down" if not scrape.up else "cut_short" if scrape.error else "up"
    failed = sum(result.asked and not result.success for result in scrape.results.values())
    samples = sum(len(family.samples) for family in scrape.families)
    span.note(
        {"sidecar.scrape.outcome": outcome, "sidecar.samples": samples, "sidecar.scrape.failed_collectors": failed}
    )
    if scrape.error:
        span.fail(scrape.error_kind, scrape.error)
