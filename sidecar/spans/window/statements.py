"""One statement is one call."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from operator import attrgetter, itemgetter
from typing import NamedTuple

import numpy as np

from sidecar.spans.window.due import DueSpans, asked_of
from sidecar.spans.window.rows import Places

_INSTRUMENTATIONS = 4
"""So many are looked at that tell of one query."""
_MOST_BESIDE = 3000
"""So many calls beside each other are looked at in a step, about 6 ms; further ones each count."""


def statements_of(due: DueSpans) -> Places:
    """Return the places of the spans that are calls to a database, each statement once.

    Where several instrumentations tell of one statement, as an ORM does and the driver that it calls, the innermost
    span is the call: a call that another one of the same service and system is below is none. Nor is one that tells of
    what another one beside it did, of the same query, within its time, and told by another instrumentation; each takes
    one away. What the driver sends of itself below a call does not make it none. Opening a connection and waiting for
    one of a pool are no calls. They are looked for once, however many judges ask.
    """
    if due.statements is None:
        due.statements = _found(due)
    return due.statements


def callers_of(due: DueSpans, calls: Places) -> Places:
    """Return the place of the span that made each of `calls`, itself no call; NO where it is not there."""
    return due.nearest(np.logical_not(due.rows.is_call))[calls]


def _found(due: DueSpans) -> Places:
    rows = due.rows
    is_call = rows.is_call.copy()
    calls = is_call.nonzero()[0]
    around = due.nearest(is_call)[calls]
    inner, outer = calls[around >= 0], around[around >= 0]
    queries, number = asked = asked_of(due)
    systems = np.array([*(query.system for query in queries), ""], np.object_)[number]  # the last one is for NO
    is_same = (systems[inner] == systems[outer]) & (rows.service[inner] == rows.service[outer])
    is_call[outer[is_same & ~asked.about(inner, attrgetter("by_driver"))]] = False
    for beside in _told_by_several(due, is_call.nonzero()[0]):
        is_call[[*_outer(beside)]] = False
    return is_call.nonzero()[0]


class _Timed(NamedTuple):
    """When a call began and ended, and which instrumentation told of it."""

    start: int
    end: int
    scope: int
    place: int


def _told_by_several(due: DueSpans, calls: Places) -> Iterator[list[_Timed]]:
    """Yield those of `calls` that are of one query and beside each other, if several instrumentations told of them."""
    rows, queries = due.rows, asked_of(due).number[calls].astype(np.uint64)
    keys, scopes = rows.parent_id[calls] ^ queries, rows.scope[calls]
    order = np.argsort(keys, kind="stable")
    same_key = keys[order[1:]] == keys[order[:-1]]
    several = np.unique(keys[order[1:]][same_key & (scopes[order[1:]] != scopes[order[:-1]])])
    if not len(several):
        return
    found: defaultdict[tuple[int, int, int], list[_Timed]] = defaultdict(list)
    for at in np.isin(keys, several).nonzero()[0][:_MOST_BESIDE].tolist():
        place = int(calls[at])
        start = int(rows.start_nano[place])
        timed = _Timed(start, start + round(rows.seconds[place].item() * 1e9), int(scopes[at]), place)
        found[int(rows.slot[place]), int(rows.parent_id[place]), int(queries[at])].append(timed)
    yield from (beside for (slot, _, _), beside in found.items() if slot >= 0)


def _outer(beside: Iterable[_Timed]) -> Iterator[int]:
    """Yield the places of calls that are around another one of those `beside` each other.

    Which instrumentation is around which is told by the call that begins first. A call takes away the one around it
    that ends first, so that calls made at once each find their own.
    """
    around: dict[int, list[tuple[int, int]]] = {}
    for call in sorted(beside, key=lambda call: (call.start, -call.end)):
        if call.scope not in around and len(around) == _INSTRUMENTATIONS:
            continue
        own = around.setdefault(call.scope, [])
        outer = _first_to_end(call.end, [around[scope] for scope in takewhile(call.scope.__ne__, around)])
        if outer is not None:
            yield outer
        insort(own, (call.end, call.place))


def _first_to_end(end: int, around: Sequence[list[tuple[int, int]]]) -> int | None:
    """Take out of `around`, ends and places in order, the first that ends then or later; return its place."""
    later = [(ends[at], ends) for ends in around for at in [bisect_left(ends, (end, 0))] if at < len(ends)]
    if not later:
        return None
    first, ends = min(later, key=itemgetter(0))
    ends.remove(first)
    return first[1]
