"""What a stage is, and several as one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from sidecar.model.family import FamilySamples
from sidecar.spans.shape import ObservedSpans


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
