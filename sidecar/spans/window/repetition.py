"""Queries that are repeated for one request."""

import re
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from sidecar.spans.queries.findings import Kind
from sidecar.spans.queries.query import Query
from sidecar.spans.window.distinct import distinct
from sidecar.spans.window.due import DueSpans, asked_of
from sidecar.spans.window.rows import NO, Places, What, name_of
from sidecar.spans.window.statements import callers_of

_DEPTH = 1000
"""Spans that are followed up to the one that others have in common."""
_NUMBER = re.compile(r"\d+")


class Repetition(NamedTuple):
    """Calls of `query` for the request with this number, at `places`, by the span or the spans named `caller`."""

    kind: Kind
    request: int
    caller: str
    query: Query
    places: Places
    seconds: float


class Least(NamedTuple):
    """From how many calls on, of a cache and of others, that take how long together, a query is repeated."""

    calls: int
    calls_of_cache: int
    seconds: float


def calls_per_query(due: DueSpans, statements: Places) -> Iterator[tuple[What, Query, int]]:
    """Yield what requests are, a query that was asked for such requests, and by how many of `statements`."""
    made, (queries, number) = statements[due.request[statements] >= 0], asked_of(due)
    whats = distinct(np.fromiter((id(request.what) for request in due.requests), np.int64, len(due.requests)))
    pairs = whats.of[due.request[made]] * len(queries) + number[made]
    found = distinct(pairs)
    calls = np.bincount(found.of, minlength=len(found.first)).tolist()
    for pair, count in zip(pairs[found.first].tolist(), calls, strict=True):
        what, query = divmod(pair, len(queries))
        yield due.requests[whats.first[what]].what, queries[query], count


def repetitions(due: DueSpans, statements: Places, least: Least, shown: Callable[[str], str]) -> Iterator[Repetition]:
    """Yield the queries that are repeated among `statements`.

    They are seen by the local root: all calls of a query for one request belong together, whichever spans they are
    below. The caller is the span that made them; where several did, the name that these have in common, numbers in it
    left out, else the innermost span that all are below. Calls that each have such a span of their own are an N+1
    even where some of them are made at once, because each was made for a row. `shown` masks names.
    """
    rows, (queries, number) = due.rows, asked_of(due)
    made = statements[due.request[statements] >= 0]
    made = made[asked_of(due).about(made, attrgetter("may_repeat"))]
    callers = callers_of(due, made)
    for of_group in _alike(due.request[made] * len(queries) + number[made], least.calls):
        places = made[of_group]
        query = queries[number[places[0]]]
        seconds = round(sum(rows.seconds[places].tolist()), 9)
        if len(places) < (least.calls_of_cache if query.is_cache else least.calls) or seconds < least.seconds:
            continue
        request = int(due.request[places[0]])
        by = np.unique(callers[of_group])
        name, each_its_own = _caller(due, by, shown)
        own = each_its_own and len(by) >= least.calls
        kind = Kind.N_PLUS_ONE if own else _kind_of(rows.start_nano[places].tolist(), rows.seconds[places].tolist())
        yield Repetition(kind, request, name, query, places, seconds)


def _alike(values: Places, least: int) -> Iterator[Places]:
    """Yield the places of each value that comes `least` times, that first which comes first."""
    found = distinct(values)
    counts = np.bincount(found.of, minlength=len(found.first))
    order, ends = np.argsort(found.of, kind="stable"), np.cumsum(counts)
    for value in (counts >= least).nonzero()[0].tolist():
        yield order[ends[value] - counts[value] : ends[value]]


def _caller(due: DueSpans, callers: Places, shown: Callable[[str], str]) -> tuple[str, bool]:
    """Return what to call who made calls, empty if that is not known, and whether they are many of one name."""
    whats = due.rows.what
    if callers[0] == NO:
        return "", False
    first = whats[callers[0]]
    if len(callers) == 1:
        return shown(name_of(first)), False
    names = {name_of(what) for what in set(whats[callers].tolist())}
    if len(names) == 1:
        return shown(name_of(first)), True
    if len({_NUMBER.sub("*", name) for name in names}) == 1:
        return _NUMBER.sub("*", shown(name_of(first))), True
    return shown(name_of(whats[_common(due, callers)])), False


def _common(due: DueSpans, places: Places) -> int:
    """Return the innermost span that all of these are below or are."""
    path = [*_way_up(due, int(places[0]))]
    heights = {place: height for height, place in enumerate(path)}
    common, steps = 0, 0
    for place in places[1:].tolist():
        met = len(path) - 1
        for above in _way_up(due, place):
            steps += 1
            if above in heights:
                met = heights[above]
                break
        common = max(common, met)
        if steps > _DEPTH:
            return path[-1]
    return path[common]


def _way_up(due: DueSpans, place: int) -> Iterator[int]:
    """Yield the span at `place` and those that it is below, up to the local root."""
    for _ in range(_DEPTH):
        yield place
        if due.rows.is_root[place] or due.parents[place] < 0:
            return
        place = int(due.parents[place])


def _kind_of(starts: Sequence[int], seconds: Sequence[float]) -> Kind:
    latest = overlapping = 0
    for start, took in sorted(zip(starts, seconds, strict=True)):
        overlapping += start < latest
        latest = max(latest, start + round(took * 1e9))  # exact: as floats, Unix times are 256 ns apart
    return Kind.FAN_OUT if 2 * overlapping >= len(starts) else Kind.N_PLUS_ONE
