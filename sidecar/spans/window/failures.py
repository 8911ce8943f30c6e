"""One failure is one error."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.peer.times import happened_at
from sidecar.derive.origin import Origin
from sidecar.model.span import SpanKind
from sidecar.spans.exceptions import Ids, Reported, exceptions_of, ids_of
from sidecar.spans.shape import SentSpan, SpanShape
from sidecar.spans.window.due import DueSpans

_FAILURE_BYTES = 600
"""What the objects around a failure take."""
_WITHIN = frozenset({SpanKind.UNSPECIFIED, SpanKind.INTERNAL})
_ANSWERED = _WITHIN | {SpanKind.SERVER}
"""Kinds of spans whose exceptions become the answer of a request."""
_REFUSED = range(400, 500)
"""Status codes that say the one who asks made a mistake."""

_WRAPPING = 10
"""So many spans above an exception are looked at for one that wraps it."""

Key = tuple[str, int]


class Failed(NamedTuple):
    """A failed span, when it came by the steady clock and by the one on the wall, and how many bytes it takes."""

    sent: SentSpan
    came_at: float
    wall_at: float
    size: int


def failed(sent: SentSpan, came_at: float, wall_at: float, length: int) -> Failed:
    """Return what is kept of a failed span of this length until it is judged."""
    return Failed(sent, came_at, wall_at, _FAILURE_BYTES + length)


class Failure(NamedTuple):
    """What a failed span told: the exceptions that it recorded, or one that stands for its failure.

    It `happened` at this Unix time, and `came_at` this one by the steady clock.
    """

    origin: Origin
    ids: Ids
    happened: float
    came_at: float
    weight: float
    reported: tuple[Reported, ...]

    @property
    def is_recorded(self) -> bool:
        """Whether there was an exception."""
        return self.reported[0].is_recorded

    @property
    def is_typed(self) -> bool:
        """Whether there was an exception that says its type."""
        return self.is_recorded and not self.reported[0].place


def failure_of(failed: Failed) -> Failure:
    """Return what a failed span told."""
    (origin, span), came_at, wall_at, _ = failed
    reported = tuple(exceptions_of(span, origin.language))
    happened = happened_at(wall_at, span.end_time_unix_nano)
    return Failure(origin, ids_of(span), happened, came_at, adjusted_count(span.trace_state), reported)


class Error(NamedTuple):
    """What counts as an error: what was `reported`, by which failed span, and by which others on its way up.

    `is_handled` says that it is none of the service: the request was answered with a status that says whose mistake it
    was.
    """

    failure: Failure
    reported: Reported
    also: tuple[bytes, ...]
    is_handled: bool


def errors_of(due: DueSpans) -> Iterator[Error]:
    """Yield the errors among failed spans, each failure once. Each request is looked at by itself, and each service.

    An exception passes several spans on its way up: it counts for the innermost span that told it, and not for those
    above that told one of the same type and message. Beside each other or in different services the same exceptions
    count each, and so do those of jobs under one trace. One that was thrown again as another, which has its message, is
    that one; each stands for one below it.

    A span that failed and recorded no exception tells of a failure of its own unless

    * one below it recorded an exception,
    * it is work within the process, and one above it failed,
    * it is a call of a database, or its status has the text of an exception, which one above it recorded. So it is
      where it recorded one that says no type, as drivers do which hide what the database said.

    What comes twice from one span is one. An exception of a request or within it that was answered 4xx is handled: that
    is how many frameworks say it. Not so where the request says that it failed, and tells of no exception.
    """
    rows = due.rows
    places = rows.fails.nonzero()[0].tolist()
    if not places:
        return
    failures = {place: failure_of(rows.failure[place]) for place in places}
    above = _Above(due, failures)
    around = _around_recorded(failures, above)
    below, told_also = _told_below(failures, above)
    wrapped = _wrapped(failures, above, below)
    told: set[tuple[Ids, Key]] = set()
    for place, failure in failures.items():
        if (place in around and not failure.is_recorded) or _belongs(due, place, above, failures):
            continue
        for reported in failure.reported:
            name = failure.ids, reported.key
            if reported.key in below[place] or name in told or (place, reported.key) in wrapped:
                continue
            if failure.ids[0] and failure.ids[1]:
                told.add(name)
            is_handled = reported.is_recorded and _is_handled(due, place, failures)
            yield Error(failure, reported, tuple(told_also[place, reported.key]), is_handled)


def _around_recorded(failures: Mapping[int, Failure], above: "_Above") -> set[int]:
    """Return the failed spans that one which recorded an exception is below."""
    around: set[int] = set()
    for place, failure in failures.items():
        if failure.is_recorded:
            for outer in above.of(place):
                if outer in around:
                    break
                around.add(outer)
    return around


def _told_below(
    failures: Mapping[int, Failure], above: "_Above"
) -> tuple[Mapping[int, set[Key]], Mapping[tuple[int, Key], Sequence[bytes]]]:
    """Return what was recorded below each failed span, and the ids of those above that told the same as a span.

    What one span alone told is left out: so of many exceptions that differ nobody goes the whole way up for each.
    """
    below: defaultdict[int, set[Key]] = defaultdict(set)
    told_also: defaultdict[tuple[int, Key], list[bytes]] = defaultdict(list)
    times = Counter(key for failure in failures.values() for key in {reported.key for reported in failure.reported})
    for place, failure in failures.items():
        keys = {reported.key for reported in failure.reported if reported.is_recorded and times[reported.key] > 1}
        for outer in above.of(place):
            if keys <= below[outer]:
                break
            below[outer] |= keys
            for key in keys & {reported.key for reported in failures[outer].reported}:
                told_also[place, key].append(failures[outer].ids[1])
    return below, told_also


def _wrapped(failures: Mapping[int, Failure], above: "_Above", below: Mapping[int, set[Key]]) -> set[tuple[int, Key]]:
    """Return the exceptions, each by its span and what it is, that were thrown again as another one."""
    wrapped: set[tuple[int, Key]] = set()
    wrapping: set[tuple[int, Key]] = set()
    for place, failure in failures.items():
        for reported in failure.reported:
            if not reported.is_recorded or reported.key in below[place]:
                continue
            message = reported.begins()
            outer = next(
                (
                    (outer, other.key)
                    for outer in islice(above.of(place), _WRAPPING)
                    for other in failures[outer].reported
                    if other.key not in below[outer]
                    and (outer, other.key) not in wrapping
                    and other.wraps(reported.type, message)
                ),
                None,
            )
            if outer is not None:
                wrapping.add(outer)
                wrapped.add((place, reported.key))
    return wrapped


class _Above:
    """Which failed spans a failed span is below, within its request and service."""

    def __init__(self, due: DueSpans, failures: Mapping[int, Failure]) -> None:
        self._nearest = due.nearest(due.rows.fails).tolist()
        self._services = due.rows.service
        self._most = len(failures)

    def of(self, place: int) -> Iterator[int]:
        """Yield their places, the nearest first."""
        outer = self._nearest[place]
        for _ in range(self._most):
            if outer < 0 or outer == place or self._services[outer] != self._services[place]:
                return
            yield outer
            outer = self._nearest[outer]


def _belongs(due: DueSpans, place: int, above: _Above, failures: Mapping[int, Failure]) -> bool:
    """Return whether a failure that does not say what it is is part of one above it."""
    failure = failures[place]
    if failure.is_typed:
        return False
    text = failure.reported[0].status
    for outer in above.of(place):
        if not failure.is_recorded and due.rows.kind[place] in _WITHIN:
            return True
        if not failures[outer].is_recorded:
            continue
        recorded = (reported for reported in failures[outer].reported if reported.is_recorded)
        if due.rows.is_call[place] or (text and any(reported.says(text) for reported in recorded)):
            return True
    return False


def _is_handled(due: DueSpans, place: int, failures: Mapping[int, Failure]) -> bool:
    if due.request[place] < 0 or due.rows.kind[place] not in _ANSWERED:
        return False
    what = due.requests[due.request[place]].what
    if not isinstance(what, SpanShape) or what.http_request is None or _says_it_failed(due, place, what, failures):
        return False
    return what.http_request.status_code in _REFUSED


def _says_it_failed(due: DueSpans, place: int, request: SpanShape, failures: Mapping[int, Failure]) -> bool:
    """Return whether the request that a span was made for failed, and not because an exception came out of it."""
    failure = failures.get(int(due.tops[place]))
    return request.failed and not (failure is not None and failure.is_recorded)
