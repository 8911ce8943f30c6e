"""Log records through the stages: received batches in, metric families out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from sidecar.logs.observe import ObservedLogs, observe
from sidecar.model.family import FamilySamples
from sidecar.model.log import LogBatch
from sidecar.model.redact import Redact, unmasked


class Stage(Protocol):
    """One thing that is derived from log records; it never blocks and keeps a bounded state."""

    def feed(self, logs: ObservedLogs) -> None:
        """Take note of the records of a batch."""
        ...

    def samples(self, now: float) -> Iterable[FamilySamples]:
        """Yield the families of this stage as they are at Unix time `now`, in parts of a step's work each."""
        ...


class LogPipeline:
    """Sink of log batches that gives each to every stage; what resources say of themselves goes through `redact`."""

    has_more = False
    """Every read shows all series."""

    def __init__(self, stages: Sequence[Stage], redact: Redact = unmasked) -> None:
        self._stages = tuple(stages)
        self._redact = redact

    def accept(self, batch: LogBatch, /) -> int:
        """Count the records of `batch`; none is ever refused, what is over a limit goes to overflow series."""
        logs = observe(batch, self._redact)
        for stage in self._stages:
            stage.feed(logs)
        return 0

    def families(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families of all stages as they are at Unix time `now`, in parts."""
        for stage in self._stages:
            yield from stage.samples(now)
