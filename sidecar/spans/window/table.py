"""Traces, each a slot in columns."""

from typing import NamedTuple

import numpy as np

from sidecar.codec.peer.ids import TRACE_ID_BYTES
from sidecar.derive.series import grown
from sidecar.spans.window.distinct import distinct_pairs
from sidecar.spans.window.rows import NO, Places, What, Words

REMEMBERED = 4096
"""Traces whose requests are remembered after they were judged, in a generation, of which there are two: 2 MB."""
_SERVICES = 16
"""Requests that are remembered of a trace."""


class Request(NamedTuple):
    """A local root: where a trace entered a service."""

    service: str
    what: What


class TraceTable:
    """Traces by id; a slot is used again when its trace is over.

    `opened_at` is when the first span came, `root_at` when the latest local root that was not judged yet, 0 if there
    is none. `spans` counts the rows of it that are kept, `work` is what it takes to judge them, `first` is the
    number of the batch that the first of these is in. `again` says that spans came after the trace had been judged.
    """

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.opened_at = self.root_at = np.zeros(0)
        self.spans = self.work = self.first = np.zeros(0, np.int64)
        self.is_open = self.again = np.zeros(0, np.bool_)
        self._slots: dict[bytes, int] = {}
        self._free: list[int] = []
        self._judged: dict[bytes, tuple[Request, ...]] = {}
        self._judged_before: dict[bytes, tuple[Request, ...]] = {}

    def __len__(self) -> int:
        """Return how many traces are open."""
        return len(self._slots)

    def slots_of(self, high: Words, low: Words, batch: int, now: float) -> Places:
        """Return the slot of the trace of each span of a batch, new ones opened; NO for the id of none.

        Each trace is looked up once, by the whole id.
        """
        first, number_of = distinct_pairs(high, low)
        words = np.stack((high[first], low[first]), axis=1).astype("<u8").tobytes()
        slots = np.empty(len(first), np.int64)
        for number, at in enumerate(range(0, len(words), TRACE_ID_BYTES)):
            trace_id = words[at : at + TRACE_ID_BYTES]
            slot = self._slots.get(trace_id)
            slots[number] = self._open(trace_id, batch, now) if slot is None else slot
        return slots[number_of]

    def add(self, slots: Places, work: Places, *, sign: int = 1) -> None:
        """Add spans to what their traces have, or with another sign subtract them."""
        np.add.at(self.spans, slots, sign)
        np.add.at(self.work, slots, sign * work)

    def close(self, slot: int) -> None:
        """Let go of a trace of which no span is kept."""
        del self._slots[self.ids[slot]]
        self.is_open[slot] = False
        self._free.append(slot)

    def remember(self, slot: int, request: Request) -> None:
        """Take note by which request this trace entered a service, for spans that come later; of no slot nothing."""
        if slot < 0:
            return
        if len(self._judged) >= REMEMBERED:
            self._judged_before, self._judged = self._judged, {}
        trace_id = self.ids[slot]
        known = self._requests_of(trace_id)
        self._judged[trace_id] = (request, *known[: _SERVICES - 1]) if known else (request,)

    def request_of(self, slot: int, service: str) -> Request | None:
        """Return the latest request by which this trace entered a service, of those that were judged."""
        if slot < 0:
            return None
        return next((request for request in self._requests_of(self.ids[slot]) if request.service == service), None)

    def _requests_of(self, trace_id: bytes) -> tuple[Request, ...]:
        return self._judged.get(trace_id) or self._judged_before.get(trace_id, ())

    def _open(self, trace_id: bytes, batch: int, now: float) -> int:
        if trace_id == _NO_TRACE:
            return NO
        if self._free:
            slot = self._free.pop()
            self.ids[slot] = trace_id
        else:
            slot = len(self.ids)
            self.ids.append(trace_id)
            self._make_room(len(self.ids))
        self._slots[trace_id] = slot
        self.again[slot] = bool(self._requests_of(trace_id))
        self.opened_at[slot], self.root_at[slot] = now, now if self.again[slot] else 0.0
        self.spans[slot] = self.work[slot] = 0
        self.first[slot], self.is_open[slot] = batch, True
        return slot

    def _make_room(self, slots: int) -> None:
        if slots > len(self.spans):
            self.opened_at, self.root_at = grown(self.opened_at, slots), grown(self.root_at, slots)
            self.spans, self.work, self.first = (grown(of, slots) for of in (self.spans, self.work, self.first))
            self.is_open, self.again = grown(self.is_open, slots), grown(self.again, slots)


_NO_TRACE = bytes(TRACE_ID_BYTES)
