"""One trace that is waited for: its calls to databases, who called whom, and where it entered services."""

from collections.abc import Collection
from typing import Any, NamedTuple, cast

from sidecar.codec.otlp.attributes import text_of
from sidecar.spans.queries.query import Query

DEPTH = 100
"""Callers that are followed from a call to its request."""


class Root(NamedTuple):
    """Where a trace enters a service, and by which route."""

    service: str
    route: str


FIELDS = 5
_CALLER_ID, _QUERY, _SPAN_ID = 0, 1, 4


class Trace:
    """What came of a trace up to now, in any sequence.

    `flat_calls` has five fields of each call one after the other: the id of the span that made it, the query, when it
    began in nanoseconds, how many seconds it took, and its own id. Callers are in dictionaries of plain values. An
    object for each would cost as much again as all the rest, because the garbage collector looks at what is kept.
    """

    __slots__ = ("_nested", "flat_calls", "names", "opened_at", "parents", "roots", "trace_id")

    def __init__(self, trace_id: bytes, now: float) -> None:
        self.trace_id = trace_id
        self.opened_at = now
        self.flat_calls: list[object] = []
        self.parents: dict[bytes, bytes] = {}
        self.names: dict[bytes, str | bytes] = {}
        self.roots: dict[bytes, Root] = {}
        self._nested: dict[bytes, bytes] | None = None

    @property
    def number_of_calls(self) -> int:
        """How many calls are kept."""
        return len(self.flat_calls) // FIELDS

    def repetitions(self) -> dict[tuple[bytes, Query], int]:
        """Return how often which span asked which query."""
        self._nested = None
        counts: dict[Any, int] = {}
        for pair in zip(self._column(_CALLER_ID), self._column(_QUERY), strict=True):
            counts[pair] = counts.get(pair, 0) + 1
        return counts

    def times_of(self, caller_id: bytes, query: Query) -> list[tuple[int, float]]:
        """Return when each call of `query` by a span began, in nanoseconds, and how many seconds it took."""
        columns = (self._column(field) for field in range(FIELDS))
        found = [
            (start, took)
            for by, what, start, took, _ in zip(*columns, strict=True)
            if what is query and by == caller_id
        ]
        return cast("list[tuple[int, float]]", found)

    def keep_calls_of(self, caller_ids: Collection[bytes]) -> None:
        """Forget the calls of other spans."""
        if not caller_ids:
            self.flat_calls = []
            return
        calls = zip(*(self._column(field) for field in range(FIELDS)), strict=True)
        self.flat_calls = [value for call in calls if call[_CALLER_ID] in caller_ids for value in call]

    def root_of(self, span_id: bytes) -> Root | None:
        """Return the root that the callers of `span_id` lead up to."""
        for _ in range(DEPTH):
            if root := self.roots.get(span_id):
                return root
            span_id = self.parents.get(span_id) or self._parent_of_call(span_id)
            if not span_id:
                return None
        return None

    def any_root(self, service: str) -> Root | None:
        """Return the root of `service` that came last."""
        return next((root for root in reversed(self.roots.values()) if root.service == service), None)

    def name_of(self, span_id: bytes) -> str:
        """Return the name of a caller, empty if it is not known."""
        name = self.names.get(span_id, "")
        return name if isinstance(name, str) else text_of(name)

    def _parent_of_call(self, span_id: bytes) -> bytes:
        """Return the caller of a call that has a call itself, as where two instrumentations tell of the same one."""
        if self._nested is None:
            pairs = zip(self._column(_SPAN_ID), self._column(_CALLER_ID), strict=True)
            self._nested = cast("dict[bytes, bytes]", dict(pairs))
        return self._nested.get(span_id, b"")

    def _column(self, field: int) -> list[object]:
        return self.flat_calls[field::FIELDS]
