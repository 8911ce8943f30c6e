"""One trace that is waited for: its calls to databases, who called whom, and where it entered services."""

from itertools import chain
from typing import Any, NamedTuple

from sidecar.codec.otlp.attributes import text_of
from sidecar.spans.queries.query import Query

DEPTH = 100
"""Callers that are followed from a call to its request."""


class Root(NamedTuple):
    """Where a trace enters a service, and by which route."""

    service: str
    route: str


class Call(NamedTuple):
    """A call: the span that made it, the query, when it began in nanoseconds, how long it took, and its own span."""

    caller_id: bytes
    query: Query
    start: int
    seconds: float
    span_id: bytes


class Caller(NamedTuple):
    """A span that may have made calls, its caller, its name, and the root that it is."""

    span_id: bytes
    parent_id: bytes
    name: str | bytes
    root: Root | None


CALL, CALLER = len(Call._fields), len(Caller._fields)
"""Fields of each."""


class Trace:
    """What came of a trace up to now, in any sequence.

    `calls` and `callers` are flat, the fields of one Call or Caller after those of the other: an object for each would
    cost as much again as all the rest, because the garbage collector looks at what is kept. `root_came_at` is when the
    last root came that was not looked at yet, 0 if there is none.
    """

    __slots__ = ("callers", "calls", "opened_at", "root_came_at", "trace_id")

    def __init__(self, trace_id: bytes, now: float) -> None:
        self.trace_id = trace_id
        self.opened_at = now
        self.root_came_at = 0.0
        self.calls: list[Any] = []
        self.callers: list[Any] = []

    @property
    def number_of_calls(self) -> int:
        """How many calls are kept."""
        return len(self.calls) // CALL

    @property
    def size(self) -> int:
        """How many spans are kept, and one for the trace itself."""
        return 1 + len(self.calls) // CALL + len(self.callers) // CALLER

    def repetitions(self) -> dict[tuple[bytes, Query], int]:
        """Return how often which span asked which query."""
        counts: dict[tuple[bytes, Query], int] = {}
        for pair in zip(self.calls[0::CALL], self.calls[1::CALL], strict=True):
            counts[pair] = counts.get(pair, 0) + 1
        return counts

    def times_of(self, caller_id: bytes, query: Query) -> list[tuple[int, float]]:
        """Return when each call of `query` by a span began, in nanoseconds, and how many seconds it took."""
        columns = zip(*(self.calls[field::CALL] for field in range(4)), strict=True)
        return [(start, took) for by, what, start, took in columns if what is query and by == caller_id]

    def keep_calls_of(self, caller_ids: set[bytes]) -> None:
        """Forget the calls of other spans."""
        calls = zip(*(self.calls[field::CALL] for field in range(CALL)), strict=True)
        self.calls = [*chain.from_iterable(call for call in calls if call[0] in caller_ids)]


class Ancestry:
    """Who called whom in a trace, as far as it came."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._ids = trace.callers[0::CALLER]
        pairs = zip(self._ids, trace.callers[3::CALLER], strict=True)
        self._roots: dict[bytes, Root] = {span_id: root for span_id, root in pairs if root}
        self._parents: dict[bytes, bytes] | None = None

    def root_of(self, span_id: bytes) -> Root | None:
        """Return the root that the callers of `span_id` lead up to."""
        for _ in range(DEPTH):
            if root := self._roots.get(span_id):
                return root
            if self._parents is None:
                self._parents = self._all_parents()
            span_id = self._parents.get(span_id, b"")
            if not span_id:
                return None
        return None

    def any_root(self, service: str) -> Root | None:
        """Return the root of `service` that came last."""
        return next((root for root in reversed(self._roots.values()) if root.service == service), None)

    def name_of(self, span_id: bytes) -> str:
        """Return the name of a caller, empty if it is not known."""
        place = self._ids.index(span_id) if span_id in self._ids else None
        name = "" if place is None else self._trace.callers[place * CALLER + 2]
        return name if isinstance(name, str) else text_of(name)

    def _all_parents(self) -> dict[bytes, bytes]:
        """Return the parent of each span, of calls too: where two instrumentations tell of one, it has one itself."""
        calls, callers = self._trace.calls, self._trace.callers
        of_calls = zip(calls[4::CALL], calls[0::CALL], strict=True)
        return {**dict(of_calls), **dict(zip(self._ids, callers[1::CALLER], strict=True))}
