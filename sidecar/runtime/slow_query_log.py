"""Slow queries in the log: as many lines as somebody would read, whatever comes."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events
from sidecar.spans.queries.statistics import SlowCall

WARNING_SECONDS = 1.0
ERROR_SECONDS = 5.0
"""Queries that took longer are logged, as warnings and as errors."""
WINDOW_SECONDS = 60.0
LINES = 10
"""Most lines of each level within a window, each about another query."""
STATEMENT_LENGTH = 500
"""Characters of a statement in a line; the API has all of it."""


@dataclass(frozen=True, slots=True)
class SlowQuery(Event):
    """A query of the app took over a second; `not_logged` counts calls as slow since the last line of this level."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Query `{query}` of `{service}` took {seconds:.1f} s, in trace `{trace_id}`: `{statement}`. "
        "{not_logged} others since the last such line."
    )
    query: str
    service: str
    seconds: float
    trace_id: str
    statement: str
    not_logged: int


class VerySlowQuery(SlowQuery):
    """The same over five seconds."""

    level: ClassVar[int] = logging.ERROR


class SlowQueryLog:
    """Logs calls that took over a second: each query at most once a minute, and ten queries of each level."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self._warnings, self._errors = _Window(), _Window()

    def note(self, call: SlowCall) -> None:
        """Log `call` unless it is too quick, or there were enough lines for now."""
        if call.seconds <= WARNING_SECONDS:
            return
        is_error = call.seconds > ERROR_SECONDS
        window = self._errors if is_error else self._warnings
        if window.admits(call.query.fingerprint, self._clock.monotonic()):
            event = VerySlowQuery if is_error else SlowQuery
            query = call.query
            shown = query.statement[:STATEMENT_LENGTH]
            facts = (query.fingerprint, query.service, call.seconds, query.slow_trace_id.hex(), shown)
            self._events.emit(event(*facts, not_logged=window.take_left_out()))


class _Window:
    """Counts what was let through within a minute, and what was not."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._told: set[str] = set()
        self._left_out = 0

    def admits(self, query: str, now: float) -> bool:
        if now >= self._ends:
            self._ends = now + WINDOW_SECONDS
            self._told.clear()
        is_admitted = query not in self._told and len(self._told) < LINES
        if is_admitted:
            self._told.add(query)
        else:
            self._left_out += 1
        return is_admitted

    def take_left_out(self) -> int:
        left_out, self._left_out = self._left_out, 0
        return left_out
