"""Spans through the stages: received batches in, metric families out."""

from collections.abc import Callable, Iterator, Sequence

from sidecar.derive.origin import Origin
from sidecar.model.family import FamilySamples
from sidecar.model.log import LogMessage
from sidecar.model.redact import Redact
from sidecar.model.span import SpanBatch, SpanKind
from sidecar.spans.config import SpansConfig
from sidecar.spans.observe import Observer
from sidecar.spans.semconv import ATTRIBUTES
from sidecar.spans.stage import Follower, LogStage, Stage


class Pipeline:
    """Sink of span batches that gives each to every follower, and then to every stage; log records to some stages."""

    def __init__(
        self,
        config: SpansConfig,
        stages: Sequence[Stage],
        followers: Sequence[Follower],
        redact: Redact,
        wall: Callable[[float], float] = float,
    ) -> None:
        kinds = frozenset(int(SpanKind[kind.upper()]) for kind in config.kinds)
        names = [dimension.name for dimension in config.dimensions]
        self._observer = Observer(kinds, [*names, *(ATTRIBUTES if config.names == "semconv" else ())], redact, wall)
        self._stages = tuple(stages)
        self._log_stages = [stage for stage in stages if isinstance(stage, LogStage)]
        self._followers = tuple(followers)

    def accept(self, batch: SpanBatch, /) -> int:
        """Count the spans of `batch`; none is ever refused, what is over a limit goes to overflow series."""
        parts = [*self._observer.observe(batch)]
        for part in parts:
            for follower in self._followers:
                follower.follow(part)
        for part in parts:
            for stage in self._stages:
                stage.feed(part)
        return 0

    def feed_logs(self, origin: Origin, records: Sequence[LogMessage], received_at: float) -> None:
        """Give log records of one resource, received at that Unix time, to the stages that look at them as well."""
        for stage in self._log_stages:
            stage.feed_logs(origin, records, received_at)

    def families(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families of all stages and followers; the parts of one may come apart from each other."""
        for stage in self._stages:
            yield from stage.samples(now)
        for follower in self._followers:
            yield from follower.samples(now)
