"""The sidecar's own metrics, on their way to the head, so that rules and queries see them like any target's."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.samples import Sample as ClientSample

from sidecar.codec.exposition import format_float
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of
from sidecar.model.sample import SampleBatch
from sidecar.model.steps import Steps
from sidecar.runtime.clock import next_tick
from sidecar.runtime.events import Event, Events
from sidecar.runtime.turns import in_turns
from sidecar.runtime.watched_clock import WatchedClock

_TYPES = {
    "counter": MetricType.COUNTER,
    "gauge": MetricType.GAUGE,
    "histogram": MetricType.HISTOGRAM,
    "summary": MetricType.SUMMARY,
    "info": MetricType.GAUGE,
    "stateset": MetricType.GAUGE,
}
_SUFFIXES = {"counter": "_total", "info": "_info"}


class Sink(Protocol):
    """Takes a batch in steps, between which others may run."""

    def accept_in_steps(self, batch: SampleBatch) -> Steps[int]:
        """Take `batch` as a whole in the last step; return how many samples were refused because of a limit."""
        ...


class Page(Protocol):
    """Shows the families of sources."""

    def put_in_steps(self, source: str, families: Iterable[FamilySamples], /) -> Iterator[None]:
        """Show `families` as those of `source`, step by step; others may run in between."""
        ...


class Store(Protocol):
    """Something that lives in this process and can be read as families."""

    def families(self, now: float, /) -> Iterable[FamilySamples]:
        """Yield the families as they are at Unix time `now`; what is much comes in parts, each made when asked for."""
        ...


class Source(NamedTuple):
    """A store and the name of its block in the head and of its page.

    `page` is None for what is little enough to be put on the page at each GET. `settle` is awaited before the store is
    read: it brings there what is on its way.
    """

    name: str
    store: Store
    page: Page | None = None
    settle: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class SourceFailed(Event):
    """What lives in this process could not be read; it is tried again at the next interval."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "The samples of `{source}` could not be read: {error}."
    identity: ClassVar[tuple[str, ...]] = ("source",)
    source: str
    error: str


class SelfCollector:
    """Component that reads what lives in this process on an interval, gives it to `sink` and shows it.

    It is one family part or one step of a page at a time, and in between others may run: what spans become may be
    tens of thousands of samples. A source that fails is told and harms no other. None of `sources` is a target that
    could be down, so there is no `up`; `target` holds the job and instance labels of the sidecar itself. Stores are
    read by the steady clock. `sources` is asked at each interval, because a reload may put one store in the place of
    another.
    """

    name = "self"

    def __init__(
        self,
        sink: Sink,
        target: Labels,
        interval_seconds: float,
        clock: WatchedClock,
        events: Events,
        sources: Callable[[], Iterable[Source]],
    ) -> None:
        self._sink = sink
        self._target = target
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._events = events
        self._sources = sources

    async def run(self, ready: Callable[[], None]) -> None:
        """Read at once, then on the grid of the interval, until cancelled."""
        ready()
        while True:
            for source in self._sources():
                await self._attempt(source)
            now = self._clock.now()
            await self._clock.sleep(next_tick(now, self._interval_seconds) - now)

    async def _attempt(self, source: Source) -> None:
        try:
            await self._collect(source)
        except Exception as error:  # noqa: BLE001 - the edge: one source that cannot be read must not hide the others
            self._events.emit(SourceFailed(source.name, f"{type(error).__name__}: {error}"))

    async def _collect(self, source: Source) -> None:
        if source.settle is not None:
            await source.settle()
        families = await self._give(source, round(self._clock.now() * 1000))
        if source.page is not None:
            for _ in source.page.put_in_steps(source.name, families):
                await self._clock.sleep(0)

    async def _give(self, source: Source, time_ms: int) -> Sequence[FamilySamples]:
        families = []
        for part in source.store.families(self._clock.steady.now()):
            families.append(part)
            await self._clock.sleep(0)
        await in_turns(
            self._sink.accept_in_steps(SampleBatch(source.name, time_ms, self._target, families)), self._clock
        )
        return families


class OwnMetrics:
    """What prometheus_client's `registry` holds, as a store."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def families(self, now: float) -> Iterable[FamilySamples]:
        """Return the families as they are at this moment."""
        return families_of(self._registry)


def families_of(registry: CollectorRegistry) -> list[FamilySamples]:
    """Return what prometheus_client's `registry` holds at this moment.

    Names are those of text format 0.0.4: a counter's family ends in `_total`. The `_created` series are left out.
    """
    return [_family_of(metric) for metric in registry.collect()]


def _family_of(metric: Metric) -> FamilySamples:
    name = metric.name + _SUFFIXES.get(metric.type, "")
    family = Family(name, _TYPES.get(metric.type, MetricType.UNTYPED), metric.documentation)
    return FamilySamples(family, list(_samples_of(metric.samples)))


def _samples_of(samples: Iterable[ClientSample]) -> Iterable[Sample]:
    for sample in samples:
        if not sample.name.endswith("_created"):
            yield Sample(sample.name, labels_of(_with_go_bounds(sample.labels)), sample.value)


def _with_go_bounds(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Return `labels` with `le` as Go prints it: 1 and not 1.0, so that a rule fits both."""
    return {**labels, "le": format_float(float(labels["le"]))} if "le" in labels else labels
