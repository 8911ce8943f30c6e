"""Who called whom in a trace."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from tests.reference.spans.sent import CALLED, CLIENT, Sent


class Trace:
    """Spans of one trace id, in the order in which they came; `earlier` are requests that were judged before them."""

    def __init__(self, spans: Iterable[Sent] = (), earlier: Sequence[Sent] = ()) -> None:
        self.spans: list[Sent] = []
        self._by_id: dict[bytes, Sent] = {}
        self._earlier = earlier
        for sent in spans:
            self.add(sent)

    @property
    def requests(self) -> list[Sent]:
        """Where the trace came into a process, whose spans these are."""
        return [sent for sent in self.spans if sent.is_local_root and sent.kind not in CALLED]

    def add(self, sent: Sent) -> None:
        self.spans.append(sent)
        if sent.span_id:
            self._by_id.setdefault(sent.span_id, sent)

    def callers(self, sent: Sent) -> Iterator[Sent]:
        """Yield its caller, the caller of that, and so on, as far as they came."""
        seen = {sent.span_id}
        while (caller := self._by_id.get(sent.parent_id)) and caller.span_id not in seen:
            seen.add(caller.span_id)
            yield caller
            sent = caller

    def callers_within(self, sent: Sent) -> Iterator[Sent]:
        """Yield its callers as far as they are of its own process: up to the local root."""
        at = sent
        for caller in self.callers(sent):
            if at.is_local_root:
                return
            yield caller
            at = caller

    def line_up(self, sent: Sent) -> Iterator[Sent]:
        """Yield its callers as far as they are of its own service and process."""
        return takewhile(lambda caller: caller.service == sent.service, self.callers_within(sent))

    def local_root(self, sent: Sent) -> Sent | None:
        """Return where the trace came into the process of `sent`; None if its callers do not lead there."""
        return next((at for at in (sent, *self.callers(sent)) if at.is_local_root), None)

    def request_of(self, sent: Sent) -> Sent | None:
        """Return the request that `sent` was made for, by its callers (O11); None for what no request started.

        Where a caller is missing, it is the latest request of its service in the trace.
        """
        root = self.local_root(sent)
        if root is not None:
            return None if root.kind in CALLED else root
        requests = [other for other in (*self._earlier, *self.requests) if other.service == sent.service]
        return requests[-1] if requests else None

    def statements(self) -> list[Sent]:
        """Return the calls to databases, each statement once: that of the innermost span (N5, N6).

        What a driver asks of itself is no statement of the span around it.
        """
        calls = [sent for sent in self.spans if is_call(sent)]
        outer = set()
        for call in calls:
            around = next(filter(is_call, self.callers_within(call)), None)
            if around is not None and around.service == call.service and not call.shape.by_driver:
                outer |= {id(around)} if _system_of(around) == _system_of(call) else set()
        return [call for call in calls if id(call) not in outer]


def is_call(sent: Sent) -> bool:
    """Whether this is a call to a database, and no getting of a connection."""
    return sent.kind == CLIENT and sent.shape.database is not None


def _system_of(call: Sent) -> str:
    assert call.shape.database is not None
    return call.shape.database.system


def traces_of(spans: Iterable[Sent]) -> dict[bytes, Trace]:
    """Return the traces of `spans` by their ids; spans without one are in none."""
    traces: dict[bytes, Trace] = {}
    for sent in spans:
        if sent.trace_id:
            traces.setdefault(sent.trace_id, Trace()).add(sent)
    return traces
