"""What a stage and a follower are, and several stages as one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from sidecar.derive.origin import Origin
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.log import LogMessage
from sidecar.spans.shape import ObservedSpans

PART_SAMPLES = 1000
"""Samples that a stage makes in one step: about 1 ms, and 2 ms more for whoever encodes them."""

OVERFLOWED = Family(
    "sidecar_spans_overflowed_total",
    MetricType.COUNTER,
    "Spans and errors added to an overflow series, because their metric had reached its series limit.",
    ("metric",),
)


class Stage(Protocol):
    """One thing that is derived from spans; it never blocks and keeps a bounded state."""

    def feed(self, spans: ObservedSpans) -> None:
        """Take note of the spans of a batch."""
        ...

    def samples(self, now: float) -> Iterable[FamilySamples]:
        """Yield the families of this stage as they are at Unix time `now`, large ones in parts of a step's work each.

        Batches may be fed in between; the samples of one series belong together all the same.
        """
        ...


@runtime_checkable
class LogStage(Protocol):
    """What a stage is that looks at log records as well."""

    def feed_logs(self, origin: Origin, records: Sequence[LogMessage], received_at: float) -> None:
        """Take note of log records of one resource, received at that Unix time."""
        ...


class Follower(Protocol):
    """Something that follows all spans and outlives a pipeline; like a stage, it never blocks."""

    def follow(self, spans: ObservedSpans) -> None:
        """Take note of the spans of a batch."""
        ...

    def samples(self, now: float) -> Iterable[FamilySamples]:
        """Yield its families, as a stage does."""
        ...


class Stages:
    """Stage that is several in a row."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = tuple(stages)

    def feed(self, spans: ObservedSpans) -> None:
        """Give the spans of a batch to each."""
        for stage in self._stages:
            stage.feed(spans)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families of all."""
        for stage in self._stages:
            yield from stage.samples(now)


def overflowed(metric: str, count: float) -> FamilySamples:
    """Return what says how much of `metric` went to overflow series."""
    return FamilySamples(OVERFLOWED, [Sample(OVERFLOWED.name, (("metric", metric),), count)])
