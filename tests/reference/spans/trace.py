"""Who called whom in a trace, of all spans that came."""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from tests.reference.spans.sent import CLIENT, SERVED, Sent


class Trace:
    """All spans of one trace id, in the order in which they came."""

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        self._by_id: dict[bytes, Sent] = {}

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
        """Return what was served when `sent` was made; None for work that no request started.

        Where a caller is missing, it is the latest request of its service in the trace.
        """
        root = self.local_root(sent)
        if root is not None:
            return root if root.kind in SERVED else None
        requests = [other for other in self.spans if other.kind in SERVED and other.service == sent.service]
        return requests[-1] if requests else None

    def innermost_calls(self) -> list[Sent]:
        """Return the calls to databases, without those that another one was made for."""
        calls = [sent for sent in self.spans if is_call(sent)]
        outer = {caller.span_id for call in calls for caller in self.line_up(call) if is_call(caller)}
        return [call for call in calls if call.span_id not in outer or not call.span_id]


def is_call(sent: Sent) -> bool:
    """Whether this is a call to a database, and no getting of a connection."""
    return sent.kind == CLIENT and sent.shape.database is not None


def traces_of(spans: Iterable[Sent]) -> dict[bytes, Trace]:
    """Return the traces of `spans` by their ids; spans without one are in none."""
    traces: dict[bytes, Trace] = {}
    for sent in spans:
        if sent.trace_id:
            traces.setdefault(sent.trace_id, Trace()).add(sent)
    return traces
