"""Spans of traces whose time has come, and how they belong together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np

from sidecar.codec.peer.ids import NO_ID
from sidecar.spans.queries.query import Query
from sidecar.spans.window.distinct import distinct
from sidecar.spans.window.kinship import tops_of
from sidecar.spans.window.rows import NO, Bools, Places, SpanRows
from sidecar.spans.window.table import Request


class Why(StrEnum):
    """Why a span is judged though its request is not known."""

    NO_ROOT = "no_root"
    NO_ROOM = "no_room"
    TRACE_TOO_LARGE = "trace_too_large"


class Asked(NamedTuple):
    """The different queries of spans that are calls, and the number of that of each span, NO if it is no call."""

    queries: list[Query]
    number: Places

    def about(self, places: Places, what: Callable[[Query], bool]) -> Bools:
        """Return of each of `places`, which are calls, what is so of its query."""
        answers = np.fromiter(map(what, self.queries), np.bool_, len(self.queries))
        told: Bools = answers[self.number[places]]
        return told


@dataclass(slots=True)
class DueSpans:
    """Spans to be judged, each once. To be read at once.

    `parents` has the place of each one's parent, `tops` that of its local root, both NO where it is not there.
    `request` is the number among `requests` of the one that the span was made for, NO where none is known; `why` says
    why these do not wait for it. `asked` and `statements` are what `asked_of` and `statements_of` found, once they were
    asked.
    """

    rows: SpanRows
    parents: Places
    tops: Places
    requests: Sequence[Request]
    request: Places
    ids: Sequence[bytes]
    why: Why
    asked: "Asked | None" = None
    statements: Places | None = None

    def trace_id(self, place: int) -> bytes:
        """Return the id of a span's trace, NO_ID if it is in none."""
        slot = int(self.rows.slot[place])
        return self.ids[slot] if slot >= 0 else NO_ID

    def nearest(self, which: Bools) -> Places:
        """Return the place of the nearest of `which` that each span is below, within its request; NO if there is none.

        A span is not below itself.
        """
        above = np.where(self.rows.is_root, NO, self.parents)
        tops = tops_of(above, which)
        nearest = np.where(above >= 0, tops[above], NO)
        return np.where((nearest >= 0) & which[nearest] & (nearest != np.arange(len(nearest))), nearest, NO)


def asked_of(due: DueSpans) -> Asked:
    """Return the queries of the spans that are calls; they are looked for once, however many judges ask."""
    if due.asked is None:
        calls = due.rows.is_call.nonzero()[0]
        queries = due.rows.query[calls]
        found = distinct(np.fromiter(map(id, queries), np.int64, len(calls)))
        number = np.full(len(due.rows), NO)
        number[calls] = found.of
        due.asked = Asked(queries[found.first].tolist(), number)
    return due.asked


class Judge(Protocol):
    """Who is told of spans when the time of their trace has come."""

    def judge(self, due: DueSpans, now: float) -> None:
        """Take note of spans at Unix time `now`."""
        ...
