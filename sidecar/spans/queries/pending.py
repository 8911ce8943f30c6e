"""Traces that are waited for: the calls to databases of each, and who called whom."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sidecar.codec.otlp.attributes import text_of
from sidecar.model.span import SpanMessage
from sidecar.spans.queries.finder import DatabaseCalls
from sidecar.spans.queries.query import Query

WAIT_SECONDS = 60.0
"""How long a trace is kept beyond the grace, if its request does not come."""
SPANS_PER_TRACE = 5_000
ROOTS_PER_TRACE = 100
_DEPTH = 100
"""Callers that are followed from a call to its request."""
_ID_BYTES, _TRACE_ID_BYTES = 8, 16
"""What is kept of ids, which a hostile sender may make long."""


class Call(NamedTuple):
    """A call of a query, with its times in nanoseconds of Unix time."""

    query: Query
    start: int
    end: int
    span_id: bytes


class Root(NamedTuple):
    """Where a trace enters a service, and by which route."""

    service: str
    route: str


class CallGroup(NamedTuple):
    """The calls of one span, whose name is `caller`, or empty if that is not known."""

    root: Root
    caller: str
    calls: Sequence[Call]
    trace_id: bytes


class Caller(NamedTuple):
    """A span that may have made calls; its name may still be as received."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str | bytes


def caller_of(span: SpanMessage, name: str | bytes) -> Caller:
    """Return `span` as a caller."""
    parent_id = span.parent_span_id[:_ID_BYTES]
    return Caller(span.trace_id[:_TRACE_ID_BYTES], span.span_id[:_ID_BYTES], parent_id, name)


class _Trace:
    __slots__ = ("callers", "calls", "opened_at", "roots", "size")

    def __init__(self, now: float) -> None:
        self.opened_at = now
        self.size = 0
        self.calls: dict[bytes, list[Call]] = {}
        self.callers: dict[bytes, Caller] = {}
        self.roots: dict[bytes, Root] = {}


class PendingTraces:
    """Bounded memory of traces, in the sequence in which they began; spans may come in any sequence.

    A trace is due some grace after a root came: then those calls are given out that lead up to a root. The others
    wait for another root, up to a minute; after that they are taken for calls of a root of their service in this trace,
    and dropped if there is none. Without room, traces are given out early and those without a root are dropped.
    `dropped` counts spans by reason, `early` traces.
    """

    def __init__(self) -> None:
        self.dropped = dict.fromkeys(("no_root", "no_room", "trace_too_large"), 0)
        self.early = 0
        self.size = 0
        self._traces: dict[bytes, _Trace] = {}
        self._due: deque[tuple[float, bytes]] = deque()

    def add_calls(self, spans: Sequence[SpanMessage], calls: DatabaseCalls, now: float) -> None:
        """Take note of the calls in a batch."""
        last_trace = last_parent = b""
        trace, of_parent = _Trace(now), list[Call]()
        # Spans of one trace and caller mostly come together: the dictionaries are asked only when they change.
        for place, query in zip(calls.places.tolist(), calls.queries, strict=True):
            span = spans[place]
            parent = span.parent_span_id
            if not query.may_repeat or not parent:
                continue
            if (trace_id := span.trace_id) != last_trace:
                trace, last_trace, last_parent = self._trace_of(trace_id, now), trace_id, b""
            if trace.size >= SPANS_PER_TRACE:
                self.dropped["trace_too_large"] += 1
                continue
            if parent != last_parent:
                of_parent, last_parent = trace.calls.setdefault(parent[:_ID_BYTES], []), parent
            trace.size += 1
            self.size += 1
            of_parent.append(Call(query, span.start_time_unix_nano, span.end_time_unix_nano, span.span_id[:_ID_BYTES]))

    def add_caller(self, caller: Caller, root: Root | None, now: float) -> None:
        """Take note of a span that may have made calls, and of the root that it is."""
        trace = self._trace_of(caller.trace_id, now)
        if root and len(trace.roots) < ROOTS_PER_TRACE:
            trace.roots[caller.span_id] = root
            self._due.append((now, caller.trace_id))
        if trace.size >= SPANS_PER_TRACE:
            self.dropped["trace_too_large"] += 1
            return
        trace.size += 1
        self.size += 1
        trace.callers[caller.span_id] = caller

    def due(self, now: float, grace_seconds: float, most_spans: int) -> Iterator[list[CallGroup]]:
        """Yield the calls of each trace that is due at Unix time `now`, or has no room among `most_spans`.

        Who does not ask for all gets the others the next time.
        """
        while self._due and (now - self._due[0][0] >= grace_seconds or self.size > most_spans):
            came_at, trace_id = self._due.popleft()
            trace = self._traces.get(trace_id)
            if trace is not None:
                self.early += now - came_at < grace_seconds
                yield self._given_out(trace_id, trace)
        while self._traces:
            trace_id, trace = next(iter(self._traces.items()))
            if self.size > most_spans:
                yield self._ended(trace_id, trace, "no_room")
            elif now - trace.opened_at > WAIT_SECONDS + grace_seconds:
                yield self._ended(trace_id, trace, "no_root")
            else:
                return

    def _trace_of(self, trace_id: bytes, now: float) -> _Trace:
        trace_id = trace_id[:_TRACE_ID_BYTES]
        trace = self._traces.get(trace_id)
        if trace is None:
            trace = self._traces[trace_id] = _Trace(now)
        return trace

    def _given_out(self, trace_id: bytes, trace: _Trace, is_over: bool = False) -> list[CallGroup]:
        """Return the calls of `trace` that lead up to a root, and forget it if none are left."""
        groups = []
        nested = _nested(trace)
        for parent, calls in tuple(trace.calls.items()):
            root = _root_of(trace, nested, parent) or (_any_root(trace, calls[0].query.service) if is_over else None)
            if root:
                del trace.calls[parent]
                trace.size -= len(calls)
                self.size -= len(calls)
                groups.append(CallGroup(root, _name_of(trace.callers.get(parent)), calls, trace_id))
        if not trace.calls:
            self._forget(trace_id, trace)
        return groups

    def _ended(self, trace_id: bytes, trace: _Trace, reason: str) -> list[CallGroup]:
        """Return the calls of `trace` that have a root of their service, and drop the others."""
        groups = self._given_out(trace_id, trace, is_over=True)
        if trace.calls:
            self.dropped[reason] += sum(map(len, trace.calls.values()))
            self._forget(trace_id, trace)
        return groups

    def _forget(self, trace_id: bytes, trace: _Trace) -> None:
        del self._traces[trace_id]
        self.size -= trace.size


def _nested(trace: _Trace) -> dict[bytes, bytes]:
    """Return the caller of each call if a call may have been made by another, that of another instrumentation."""
    if trace.calls.keys() <= trace.callers.keys():
        return {}
    return {call.span_id: parent for parent, calls in trace.calls.items() for call in calls}


def _root_of(trace: _Trace, nested: dict[bytes, bytes], span_id: bytes) -> Root | None:
    """Return the root that the callers of `span_id` lead up to."""
    for _ in range(_DEPTH):
        root = trace.roots.get(span_id)
        if root:
            return root
        caller = trace.callers.get(span_id)
        span_id = caller.parent_id if caller else nested.get(span_id, b"")
        if not span_id:
            return None
    return None


def _any_root(trace: _Trace, service: str) -> Root | None:
    return next((root for root in reversed(trace.roots.values()) if root.service == service), None)


def _name_of(caller: Caller | None) -> str:
    name = caller.name if caller else ""
    return name if isinstance(name, str) else text_of(name)
