"""Log records about exceptions, which are errors like those of spans."""

from collections.abc import Callable, Iterator, Sequence

from sidecar.logs.observe import ObservedLogs
from sidecar.model.family import FamilySamples
from sidecar.model.log import LogMessage
from sidecar.spans.shape import Origin

FeedErrors = Callable[[Origin, Sequence[LogMessage], float], None]
"""Takes log records of one resource, and when they were received, in Unix time."""


class ExceptionLogs:
    """Stage that gives log records to whoever counts errors, which has metrics of its own for them."""

    def __init__(self, feed: FeedErrors) -> None:
        self._feed = feed

    def feed(self, logs: ObservedLogs) -> None:
        """Pass on the records of a batch."""
        for origin, records in logs.groups:
            self._feed(origin, records, logs.received_at)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield nothing."""
        yield from ()
