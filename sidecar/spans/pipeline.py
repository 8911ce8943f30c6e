"""Spans through the stages: received batches in, metric families out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from sidecar.model.family import FamilySamples
from sidecar.model.span import SpanBatch, SpanKind
from sidecar.spans.config import SpansConfig
from sidecar.spans.observe import Observer
from sidecar.spans.series import Budget
from sidecar.spans.shape import FailedSpan, ObservedSpans


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


class Follower(Protocol):
    """Something that looks at whole spans and outlives a pipeline; like a stage, it never blocks."""

    def follow(self, batch: SpanBatch, failed: Sequence[FailedSpan]) -> None:
        """Take note of the spans of a batch; `failed` are those of them that count as errors."""
        ...

    def samples(self, now: float) -> Iterable[FamilySamples]:
        """Yield its families, as a stage does."""
        ...


class Pipeline:
    """Sink of span batches that gives each to every follower, and then to every stage."""

    def __init__(
        self, config: SpansConfig, stages: Sequence[Stage], budget: Budget, followers: Sequence[Follower] = ()
    ) -> None:
        self._observer = Observer(frozenset(int(SpanKind[kind.upper()]) for kind in config.kinds))
        self._stages = tuple(stages)
        self._followers = tuple(followers)
        self._budget = budget

    def accept(self, batch: SpanBatch, /) -> int:
        """Count the spans of `batch`; none is ever refused, what is over a limit goes to overflow series."""
        spans = self._observer.observe(batch)
        for follower in self._followers:
            follower.follow(batch, spans.failed)
        for stage in self._stages:
            stage.feed(spans)
        return 0

    def families(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families of all stages and followers in parts; those of one family may come apart from each other.

        Of very many new series it shows some, and `has_more` until the others were shown too: so who stores them need
        not hold up everything else.
        """
        for stage in self._stages:
            yield from stage.samples(now)
        for follower in self._followers:
            yield from follower.samples(now)

    @property
    def has_more(self) -> bool:
        """Whether another read would show series that none showed yet."""
        return self._budget.hidden > 0
