"""Which request a call was made for, where both carry the id of one trace."""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from sidecar.codec.peer.ids import NO_ID
from sidecar.derive.series import Floats, Rows

MOST_TRACES = 8192
"""Requests, and traces whose request has not come, in a generation: 2 MB."""
GENERATION_SECONDS = 60.0

Key = tuple[bytes, str]
"""A trace's id and the service: a trace enters each service by a request of its own."""


class Attribution:
    """Remembers by which endpoint traces entered a service, and the calls of those whose request is yet to come.

    A request's span ends after the spans of its calls, so it often arrives later. What is remembered are two
    generations: one ends when it is a minute old or full, and is forgotten when the next one ends. `lost` counts calls
    whose request had not come until then, those without a trace at once. Of several requests in one trace and service
    the latest stands for all.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self._rows: dict[Key, int] = {}
        self._older_rows: dict[Key, int] = {}
        self._waiting: dict[Key, tuple[float, float]] = {}
        self._older_waiting: dict[Key, tuple[float, float]] = {}
        self._ends_at = 0.0

    def turn(self, now: float) -> None:
        """Begin a new generation if it is time, at Unix time `now`."""
        full = max(len(self._rows), len(self._waiting)) >= MOST_TRACES
        if full or abs(self._ends_at - now) > GENERATION_SECONDS or now >= self._ends_at:
            self.lost += sum(calls for calls, _ in self._older_waiting.values())
            self._older_rows, self._rows = self._rows, {}
            self._older_waiting, self._waiting = self._waiting, {}
            self._ends_at = now + GENERATION_SECONDS

    def enter(self, keys: Sequence[Key], rows: Sequence[int]) -> list[tuple[int, float, float]]:
        """Take note of requests; return the calls that waited for them, as row, number and seconds."""
        self._rows.update((key, row) for key, row in zip(keys, rows, strict=True) if key[0])
        return [
            (self._rows[key], *waiting.pop(key))
            for waiting in (self._waiting, self._older_waiting)
            for key in waiting.keys() & set(keys)
        ]

    def rows_of(self, keys: Sequence[Key]) -> Rows:
        """Return the row of the endpoint that each of `keys` entered by, -1 where that is not known."""
        rows = np.fromiter(map(self._rows.get, keys, repeat(-1)), np.int64, len(keys))
        missing = (rows < 0).nonzero()[0]
        if len(missing) and self._older_rows:
            rows[missing] = [self._older_rows.get(keys[place], -1) for place in missing.tolist()]
        return rows

    def wait(self, keys: Sequence[Key], calls_and_seconds: Floats) -> None:
        """Keep calls until their request comes: of each how many it stands for, and how long they took."""
        waiting = self._waiting
        for key, (number, spent) in zip(keys, calls_and_seconds.tolist(), strict=True):
            if key[0] == NO_ID:
                self.lost += number
                continue
            calls, total = waiting.get(key, (0.0, 0.0))
            waiting[key] = (calls + number, total + spent)

    def forget(self) -> None:
        """Forget everything: rows mean other endpoints now."""
        waiting = (*self._waiting.values(), *self._older_waiting.values())
        self.lost += sum(calls for calls, _ in waiting)
        for memory in (self._rows, self._older_rows, self._waiting, self._older_waiting):
            memory.clear()
