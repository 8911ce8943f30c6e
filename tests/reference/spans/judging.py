"""When the spans of a trace are judged: with their request, or when it does not come any more."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.reference.spans.sent import Sent
from tests.reference.spans.trace import Trace

GRACE_SECONDS, WAIT_SECONDS = 5.0, 60.0


@dataclass
class Waiting:
    """Spans of one trace that are not judged yet."""

    opened_at: float
    root_at: float | None = None
    """When the latest local root came."""
    is_late: bool = False
    """Whether the trace was judged before."""
    spans: list[Sent] = field(default_factory=list)

    def due_at(self) -> float:
        over_at = self.over_at()
        return over_at if self.root_at is None else min(self.root_at + GRACE_SECONDS, over_at)

    def over_at(self) -> float:
        """Return when no span waits for its request any more."""
        return self.opened_at + WAIT_SECONDS + GRACE_SECONDS


class Judging:
    """Holds spans until they are to be judged."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Waiting] = {}
        self._known: dict[bytes, list[Sent]] = {}
        """Requests that were judged, by their trace."""

    def add(self, sent: Sent) -> None:
        """Take a span, which is in a trace."""
        now, is_late = sent.received_at, sent.trace_id in self._known
        new = Waiting(now, now if is_late else None, is_late)
        waiting = self._waiting.setdefault(sent.trace_id, new)
        waiting.spans.append(sent)
        if sent.is_local_root:
            waiting.root_at = now

    def due(self, now: float) -> Iterator[Trace]:
        """Yield what is to be judged by Unix time `now`, each trace by itself, in the order in which they were due."""
        due = [(trace_id, waiting) for trace_id, waiting in self._waiting.items() if waiting.due_at() <= now]
        for trace_id, waiting in sorted(due, key=lambda pair: pair[1].due_at()):
            trace = Trace(waiting.spans)
            is_over = waiting.is_late or waiting.over_at() <= now
            ready = Trace(
                (sent for sent in waiting.spans if is_over or trace.local_root(sent)), self._known.get(trace_id, ())
            )
            if ready.requests:
                self._known[trace_id] = [*self._known.get(trace_id, ()), *ready.requests]
            waiting.spans = [sent for sent in waiting.spans if sent not in ready.spans]
            waiting.root_at = None
            if not waiting.spans:
                del self._waiting[trace_id]
            yield ready
