"""Log records through the stages: received batches in, metric families out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from sidecar.derive.origin import Origin
from sidecar.logs.observe import ObservedLogs, observe
from sidecar.model.family import FamilySamples
from sidecar.model.log import LogBatch, LogMessage
from sidecar.model.redact import Redact, unmasked


class Stage(Protocol):
    """One thing that is derived from log records; it never blocks and keeps a bounded state."""

    def feed(self, logs: ObservedLogs) -> None:
        """Take note of the records of a batch."""
        ...

    def samples(self, now: float) -> Iterable[FamilySamples]:
        """Yield the families of this stage as they are at Unix time `now`, in parts of a step's work each."""
        ...


class ErrorCounter(Protocol):
    """Who counts errors, those that log records are about among them."""

    def feed_logs(self, origin: Origin, records: Sequence[LogMessage], received_at: float) -> None:
        """Look for exceptions in log records of `origin` that were received at that Unix time."""
        ...


CurrentErrors: TypeAlias = Callable[[], ErrorCounter]
"""Returns who counts errors now: settings of spans that change begin another count."""


class LogPipeline:
    """Sink of log batches that gives each to every stage and its records to who counts `errors`.

    What resources say of themselves goes through `redact`.
    """

    def __init__(self, stages: Sequence[Stage], errors: CurrentErrors | None = None, redact: Redact = unmasked) -> None:
        self._stages = tuple(stages)
        self._errors = errors
        self._redact = redact

    def accept(self, batch: LogBatch, /) -> int:
        """Count the records of `batch`; none is ever refused, what is over a limit goes to overflow series."""
        logs = observe(batch, self._redact)
        for stage in self._stages:
            stage.feed(logs)
        if self._errors is not None:
            errors = self._errors()
            for origin, records in logs.groups:
                errors.feed_logs(origin, records, logs.received_at)
        return 0

    def families(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families of all stages as they are at Unix time `now`, in parts."""
        for stage in self._stages:
            yield from stage.samples(now)
