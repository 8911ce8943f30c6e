"""Traces that are waited for, within bounds, until they are due."""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from sidecar.codec.peer.ids import NO_ID, span_id_of, span_ids_of, trace_id_of
from sidecar.model.span import SpanMessage
from sidecar.spans.queries.query import Query
from sidecar.spans.queries.trace import CALL, CALLER, Root, Trace

WAIT_SECONDS = 60.0
"""How long a trace is kept beyond the grace, if its request does not come."""
MOST_CALLS, MOST_CALLERS, MOST_ROOTS = 5_000, 5_000, 100
"""Of one trace; a larger one must not push out all others."""


class PendingTraces:
    """Bounded memory of traces, in the sequence in which they began; spans may come in any sequence.

    A trace is due some grace after the last root came. It may stay on for calls that lead up to no root yet, up to a
    minute. Without room, traces are over early: those with a root first. `dropped` counts spans by reason,
    `early` traces, `size` the spans and traces that are kept.
    """

    def __init__(self) -> None:
        self.dropped = dict.fromkeys(("no_root", "no_room", "trace_too_large"), 0)
        self.early = 0
        self.size = 0
        self._traces: OrderedDict[bytes, Trace] = OrderedDict()  # in a dict, finding the first passes all that went
        self._due: deque[Trace] = deque()

    def add_calls(
        self, spans: Sequence[SpanMessage], queries: Sequence[Query], seconds: Sequence[float], now: float
    ) -> None:
        """Take note of calls: the span of each, its query, and how long it took. A call without a trace has no root."""
        last, received_parent, parent_id = b"", b"", NO_ID
        kept = traceless = list[object]()
        spilled = list[object]()
        taken = 0
        span_ids = span_ids_of([span.span_id for span in spans])
        for span, span_id, query, took in zip(spans, span_ids, queries, seconds, strict=True):
            parent = span.parent_span_id
            if parent != received_parent:  # calls of a caller mostly come together
                received_parent, parent_id = parent, span_id_of(parent)
            if not parent_id or not query.may_repeat:
                continue
            trace_id = span.trace_id
            if trace_id != last:  # and those of a trace
                trace = self._traces.get(trace_id) or self._new_trace(trace_id, now)
                kept = traceless if trace is None else trace.calls
                if len(kept) >= MOST_CALLS * CALL:
                    kept = spilled
                last = trace_id
            kept += (parent_id, query, span.start_time_unix_nano, took, span_id)
            taken += 1
        without_trace, lost = len(traceless) // CALL, len(spilled) // CALL
        self.size += taken - lost - without_trace
        self.dropped["trace_too_large"] += lost
        self.dropped["no_root"] += without_trace

    def add_caller(self, span: SpanMessage, parent_id: bytes, name: str | bytes, root: Root | None, now: float) -> None:
        """Take note of a span that may have made calls, of its parent, its name, and the root that it is."""
        trace_id = span.trace_id
        trace = self._traces.get(trace_id) or self._new_trace(trace_id, now)
        if trace is None:
            return
        most = MOST_CALLERS + MOST_ROOTS if root else MOST_CALLERS
        if len(trace.callers) >= most * CALLER:
            self.dropped["trace_too_large"] += 1
            return
        trace.callers += (span_id_of(span.span_id), parent_id, name, root)
        self.size += 1
        if root:
            if not trace.root_came_at:
                self._due.append(trace)
            trace.root_came_at = now

    def due(self, now: float, grace_seconds: float, most_spans: int) -> Iterator[tuple[Trace, bool]]:
        """Yield each trace that is due at Unix time `now`, or has no room among `most_spans`, and whether it is over.

        Who does not ask for all gets the others the next time. Give each to `settle` before asking for the next one.
        """
        while self._due and (now - self._due[0].root_came_at >= grace_seconds or self.size > most_spans):
            trace = self._due.popleft()
            trace.root_came_at = 0.0
            if trace.trace_id in self._traces:
                self.early += self.size > most_spans
                yield trace, self.size > most_spans
        while self._traces:
            trace = next(iter(self._traces.values()))
            if self.size <= most_spans and now - trace.opened_at <= WAIT_SECONDS + grace_seconds:
                return
            yield trace, True

    def settle(self, trace: Trace, left: set[bytes], reason: str | None) -> None:
        """Forget the calls of `trace` but those of the spans `left`, or all of it if there are none or it is over.

        `reason` is why those that are left are dropped; None if they are to wait.
        """
        self.size -= trace.size
        if left:
            trace.keep_calls_of(left)
        if left and not reason:
            self.size += trace.size
            return
        if reason and left:
            self.dropped[reason] += trace.number_of_calls
        del self._traces[trace.trace_id]

    def _new_trace(self, trace_id: bytes, now: float) -> Trace | None:
        """Return a trace for an id that none has; None if it is the id of none."""
        if not trace_id_of(trace_id):
            return None
        trace = self._traces[trace_id] = Trace(trace_id, now)
        self.size += 1
        return trace
