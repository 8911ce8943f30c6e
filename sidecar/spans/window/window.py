"""The window: spans come in batches and wait until their trace is due; then all who judge it are told."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sidecar.model.span import SpanKind
from sidecar.spans.window.due import DueSpans, Judge, Why
from sidecar.spans.window.kinship import parents_of, tops_of
from sidecar.spans.window.rows import NO, WORK_OF_FAILURE, Bools, Places, SpanRows, Words
from sidecar.spans.window.table import Request, TraceTable

WAIT_SECONDS = 60.0
"""How long spans are kept beyond the grace, if their request does not come."""
MOST_SPANS, MOST_ROOTS = 10_000, 100
"""Of one trace, of failed ones fewer; a larger one must not push out all others. Roots are taken beyond that."""
STEP = 3000
"""Spans that are judged in one step, at most 5 ms, of failed ones fewer; a trace is never taken apart."""
MOST_FAILURE_BYTES = 8 << 20
"""Memory of what failed spans told, exceptions and their stack traces; with more, traces are judged early."""
PACE_SECONDS = 0.25
"""How long spans come in before a look at which traces are due: that costs as much for few as for many."""
_SMALL = 1000
"""Rows that make a batch; fewer ones wait for those that come next."""
_MOST_SMALL = 64
"""With more smaller batches than that, they become one: each costs a look whenever traces are due."""
_SPARSE = 4
"""A batch of which less than such a part is still kept is made smaller."""


class Settings(Protocol):
    """How long and how many spans wait."""

    @property
    def grace_seconds(self) -> float: ...  # noqa: D102
    @property
    def max_pending_spans(self) -> int: ...  # noqa: D102


@dataclass(slots=True)
class _Batch:
    """Rows that came together; the slot of one that is not kept any more is NO."""

    rows: SpanRows
    kept: int

    def release(self, places: Places) -> None:
        self.rows.slot[places] = NO
        self.kept -= len(places)
        if self.kept * _SPARSE < len(self.rows):
            self.rows = self.rows.take(self.rows.slot >= 0)


class Window:
    """Spans of all traces that are not judged yet, in whatever sequence and batches they come.

    A trace is due some grace after its last local root came; then those of its spans are judged that lead up to a local
    root. The others wait for theirs, up to a minute, and are then taken for spans of a request of their service in this
    trace, if one is known. Spans without a trace, and those above the limit of one, wait for nobody and are judged as
    they are.
    Without room traces are judged early, those with a local root first: `early` counts these. `spans` is how many wait,
    `failure_bytes` the memory of what failed ones told.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self.early = 0
        self.spans = 0
        self.failure_bytes = 0
        self._settings = settings
        self._judges: list[Judge] = []
        self._table = TraceTable()
        self._batches: deque[_Batch] = deque()
        self._coming: list[SpanRows] = []
        self._alone: deque[tuple[SpanRows, Why]] = deque()
        self._first = 0
        """Number of the first batch."""
        self._looked_at = 0.0
        self._has_more = False

    def tell(self, judge: Judge) -> None:
        """Let `judge` be told of what is due, after those who are already."""
        self._judges.append(judge)

    def add(self, rows: SpanRows, trace_high: Words, trace_low: Words, now: float) -> None:
        """Take spans, which are in no slot yet, with the halves of the ids of their traces.

        Then judge some of what is due at Unix time `now`, and as much as there is no room for.
        """
        rows.slot = self._table.slots_of(trace_high, trace_low, self._first + len(self._batches), now)
        if (rows.slot < 0).any():
            self._leave_alone(rows.take(rows.slot < 0), Why.NO_ROOT)
            rows = rows.take(rows.slot >= 0)
        rows = self._within_limits(rows)
        if len(rows):
            self._count(rows)
            self._table.root_at[rows.slot[rows.is_root]] = now
            self._coming.append(rows)
        if sum(map(len, self._coming)) >= _SMALL:
            self._settle()
        if self._has_more or self._alone or self._is_full or not 0 <= now - self._looked_at < PACE_SECONDS:
            self.tick(now)
        while self._is_full:
            self.tick(now)

    def tick(self, now: float) -> bool:
        """Judge some of the traces that are due at Unix time `now`; return whether there may be more."""
        self._looked_at = now
        self._settle()
        self._merge()
        if self._alone:
            self._judge_alone(now)
            return True
        table, settings = self._table, self._settings()
        waits_until = table.opened_at + (WAIT_SECONDS + settings.grace_seconds)
        due_at = np.where(table.root_at > 0, table.root_at + settings.grace_seconds, np.inf)
        due_at = np.minimum(due_at, waits_until)
        due = (table.is_open & (due_at <= now)).nonzero()[0]
        if len(due):
            slots = self._some(due[np.argsort(due_at[due], kind="stable")])
            self._judge(slots, table.again | (waits_until <= now), Why.NO_ROOT, now)
            self._has_more = self._is_full or len(slots) < len(due)
            return self._has_more
        if self._is_full:
            slots = self._some(self._oldest())
            self.early += int((table.root_at[slots] > 0).sum())
            self._judge(slots, table.is_open, Why.NO_ROOM, now)
        self._has_more = self._is_full
        return self._has_more

    def finish(self, now: float) -> bool:
        """Judge some of the traces that wait, as nothing more comes; return whether there are more."""
        self._settle()
        if self._alone:
            self._judge_alone(now)
        elif self.spans:
            self._judge(self._some(self._oldest()), self._table.is_open, Why.NO_ROOT, now)
        return self.spans > 0

    @property
    def _is_full(self) -> bool:
        return self.spans > self._settings().max_pending_spans or self.failure_bytes > MOST_FAILURE_BYTES

    def _oldest(self) -> Places:
        """Return the slots of all traces, those first whose local root is there, by age."""
        table = self._table
        is_open = table.is_open.nonzero()[0]
        has_root = table.root_at[is_open] > 0
        since = np.where(has_root, table.root_at[is_open], table.opened_at[is_open])
        return is_open[np.lexsort((since, ~has_root))]

    def _some(self, slots: Places) -> Places:
        """Return the first of `slots`, one at least and else as many as are the work of a step."""
        return slots[: max(1, int(np.searchsorted(np.cumsum(self._table.work[slots]), STEP, side="right")))]

    def _settle(self) -> None:
        """Make a batch of what came in."""
        if self._coming:
            rows = SpanRows.joined(self._coming)
            self._batches.append(_Batch(rows, len(rows)))
            self._coming.clear()

    def _merge(self) -> None:
        """Make one batch of the small ones if there are too many."""
        small = [batch for batch in self._batches if len(batch.rows) < _SMALL]
        if len(small) > _MOST_SMALL:
            rows = SpanRows.joined([batch.rows.take(batch.rows.slot >= 0) for batch in small])
            large = (batch for batch in self._batches if len(batch.rows) >= _SMALL)
            self._batches = deque((_Batch(rows, len(rows)), *large))
            self._table.first[:] = self._first

    def _within_limits(self, rows: SpanRows) -> SpanRows:
        """Return those of `rows` that their traces have room for; the others wait for nobody."""
        work = rows.work
        self._table.add(rows.slot, work)
        is_too_many = self._table.work[rows.slot] > MOST_SPANS
        if not is_too_many.any():
            return rows
        fits = ~is_too_many
        for slot in np.unique(rows.slot[is_too_many]).tolist():
            places = (rows.slot == slot).nonzero()[0]
            most = MOST_SPANS + np.where(rows.is_root[places], MOST_ROOTS * WORK_OF_FAILURE, 0)
            had = self._table.work[slot] - work[places].sum()
            fits[places] = had + np.cumsum(work[places]) <= most
        self._table.add(rows.slot[~fits], work[~fits], sign=-1)
        self._leave_alone(rows.take(~fits), Why.TRACE_TOO_LARGE)
        return rows.take(fits)

    def _count(self, rows: SpanRows) -> None:
        """Take note that `rows` wait."""
        self.spans += len(rows)
        self.failure_bytes += rows.failure_bytes

    def _leave_alone(self, rows: SpanRows, why: Why) -> None:
        if len(rows):
            rows.slot = np.full(len(rows), NO)
            self._count(rows)
            self._alone.append((rows, why))

    def _judge_alone(self, now: float) -> None:
        """Judge as many spans as are the work of a step, of those that wait for nobody, as they are."""
        rows, why = self._alone.popleft()
        is_now = np.cumsum(rows.work) <= STEP
        if not is_now.all():
            self._alone.appendleft((rows.take(~is_now), why))
            rows = rows.take(is_now)
        self.spans -= len(rows)
        self.failure_bytes -= rows.failure_bytes
        tops = np.where(rows.is_root, np.arange(len(rows)), NO)
        requests, request = self._requests_of(rows, tops)
        self._tell(DueSpans(rows, rows.slot, tops, requests, request, (), why), now)

    def _judge(self, slots: Places, is_over: Bools, why: Why, now: float) -> None:
        """Judge the traces in `slots`, and those that are over with all that is left of them."""
        table = self._table
        is_due = np.zeros(len(table.spans) + 1, np.bool_)  # the last one is for NO
        is_due[slots] = True
        parts = []
        for batch in [*self._batches][max(int(table.first[slots].min()) - self._first, 0) :]:
            places = is_due[batch.rows.slot].nonzero()[0]
            if len(places):
                parts.append((batch, places))
        rows = SpanRows.joined([batch.rows.take(places) for batch, places in parts])
        parents = parents_of(rows)
        tops = tops_of(parents, rows.is_root)
        has_root = rows.is_root[tops]
        ready = has_root | is_over[rows.slot]
        self._release(parts, ready)
        table.spans[slots] = table.work[slots] = 0
        if not ready.all():
            table.add(rows.slot[~ready], rows.work[~ready])
            moved = np.where(ready, np.cumsum(ready) - 1, NO)
            rows, has_root = rows.take(ready), has_root[ready]
            parents, tops = (np.where(of >= 0, moved[of], NO) for of in (parents[ready], tops[ready]))
        self.failure_bytes -= rows.failure_bytes
        tops = np.where(has_root, tops, NO)
        if len(rows):
            requests, request = self._requests_of(rows, tops)
            self._tell(DueSpans(rows, parents, tops, requests, request, table.ids, why), now)
        table.root_at[slots] = 0
        for slot in slots[table.spans[slots] == 0].tolist():
            table.close(slot)

    def _release(self, parts: Sequence[tuple[_Batch, Places]], ready: Bools) -> None:
        """Keep those rows no longer that are `ready`, of the places `parts` together."""
        begin = 0
        for batch, places in parts:
            batch.release(places[ready[begin : begin + len(places)]])
            begin += len(places)
        self.spans -= int(ready.sum())
        while self._batches and not self._batches[0].kept:
            self._batches.popleft()
            self._first += 1

    def _requests_of(self, rows: SpanRows, tops: Places) -> tuple[list[Request], Places]:
        """Return the requests that `rows` were made for, and the number of that of each, NO where none is known."""
        table = self._table
        serves = rows.is_root & (rows.kind != SpanKind.CLIENT) & (rows.kind != SpanKind.PRODUCER)
        roots = serves.nonzero()[0]
        requests = [*map(Request, rows.service[roots].tolist(), rows.what[roots].tolist())]
        for slot, request in zip(rows.slot[roots].tolist(), requests, strict=True):
            table.remember(slot, request)
        numbers = np.full(len(rows) + 1, NO)  # the last one is for NO
        numbers[roots] = np.arange(len(roots))
        of_rows = numbers[tops]
        known: dict[tuple[int, str], int] = {}
        for place in (tops < 0).nonzero()[0].tolist():
            key = int(rows.slot[place]), rows.service[place]
            if key not in known:
                found = table.request_of(*key)
                known[key] = NO if found is None else len(requests)
                requests += [found] if found is not None else []
            of_rows[place] = known[key]
        return requests, of_rows

    def _tell(self, due: DueSpans, now: float) -> None:
        for judge in self._judges:
            judge.judge(due, now)
