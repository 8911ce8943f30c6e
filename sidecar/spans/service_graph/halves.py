"""Spans of one side of a request that wait for those of the other, which come in another trace's turn."""

from collections import deque
from collections.abc import Iterator
from itertools import repeat
from operator import add
from typing import NamedTuple

import numpy as np

from sidecar.codec.peer.ids import NO_ID, SPAN_ID_BYTES
from sidecar.model.span_columns import id_bytes
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import NO, Bools, Floats, Objects, Places, Words

MOST = 10_000
"""Halves of each side that wait, 0.3 KB each; with more, those that came first are over early."""
_STEP = 2000
"""Of so many waiting is ended in a step, 3 ms."""


class Halves(NamedTuple):
    """What spans of one side tell, as columns; `what` is the shape of each.

    The `key` is what those of one request have in common: the ids of the trace, and of the client's span.
    """

    key: Objects
    span_id: Words
    what: Objects
    seconds: Floats
    fails: Bools
    weight: Floats

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.seconds)

    def ids_of(self, place: int) -> tuple[bytes, bytes]:
        """Return the ids of the trace and of the span at `place`, nothing where it has none."""
        return self.key[place][:-SPAN_ID_BYTES], id_bytes(int(self.span_id[place]))

    def take(self, places: Places | Bools | slice) -> "Halves":
        """Return some of them."""
        key, span_id, what, seconds, fails, weight = self
        return Halves(key[places], span_id[places], what[places], seconds[places], fails[places], weight[places])

    def joined(self, others: "Halves") -> "Halves":
        """Return these and after them the others."""
        return Halves(
            np.concatenate((self.key, others.key)),
            np.concatenate((self.span_id, others.span_id)),
            np.concatenate((self.what, others.what)),
            np.concatenate((self.seconds, others.seconds)),
            np.concatenate((self.fails, others.fails)),
            np.concatenate((self.weight, others.weight)),
        )


def halves_of(due: DueSpans, places: Places, client_ids: Words) -> Halves:
    """Return what the spans at `places` tell, given the ids of their clients' spans."""
    rows = due.rows
    key = np.empty(len(places), np.object_)
    traces = (due.ids[slot] if slot >= 0 else NO_ID for slot in rows.slot[places].tolist())
    key[:] = [*map(add, traces, client_ids.astype("<u8").view("V8").tolist())]
    return Halves(
        key, rows.span_id[places], rows.what[places], rows.seconds[places], rows.fails[places], rows.weight[places]
    )


class Waiting:
    """Halves of one side, each of which waits for `seconds`; `has_found` says which need not, having found the other.

    Several may be of one request. Those are a `group`, which is called by the number of its first, as long as that one
    waits; numbers go up, and the first half that waits has the number `first`.
    """

    def __init__(self, seconds: float) -> None:
        none = np.zeros(0)
        nothing, no_words, no_bools = none.astype(np.object_), none.astype(np.uint64), none.astype(np.bool_)
        self.halves = Halves(nothing, no_words, nothing, none, no_bools, none)
        self.has_found = no_bools
        self.group = np.zeros(0, np.int64)
        self.first = 0
        self._seconds = seconds
        self._since = none
        self._groups: dict[bytes, int] = {}

    def add(self, halves: Halves, now: float) -> slice:
        """Let `halves` wait from `now` on; return their places."""
        begin, count = self.halves.number, halves.number
        if count:
            numbers = range(self.first + begin, self.first + begin + count)
            group = np.fromiter(map(self._groups.setdefault, halves.key.tolist(), numbers), np.int64, count)
            self.halves = self.halves.joined(halves)
            self.has_found = np.concatenate((self.has_found, np.zeros(count, np.bool_)))
            self.group = np.concatenate((self.group, group))
            self._since = np.concatenate((self._since, np.full(count, now)))
        return slice(begin, begin + count)

    def are_first(self, places: slice) -> Bools:
        """Return which of those at `places` are the first of their group."""
        first: Bools = self.group[places] == np.arange(places.start, places.stop) + self.first
        return first

    def find(self, halves: Halves) -> Places:
        """Return the place of the first that waits for each of `halves`, NO if none does."""
        if not self._groups or not halves.number:
            return np.full(halves.number, NO)
        numbers = np.fromiter(map(self._groups.get, halves.key.tolist(), repeat(NO)), np.int64, halves.number)
        return np.where(numbers >= 0, numbers - self.first, NO)

    def pairs_of(self, halves: Halves) -> tuple[Places, Places]:
        """Return places among `halves`, of each request the first, and those of the waiting ones that each found."""
        place = self.find(halves)
        finders = (place >= 0).nonzero()[0]
        if not len(finders):
            return finders, finders
        groups = place[finders] + self.first
        waiting = (np.isin(self.group, groups) & ~self.has_found).nonzero()[0]
        order = np.argsort(groups, kind="stable")
        return finders[order[np.searchsorted(groups[order], self.group[waiting])]], waiting

    def ended(self, now: float) -> Iterator[Halves]:
        """Let go of those that waited long enough, in steps; yield which of them did so in vain."""
        while count := int(np.searchsorted(self._since, now - self._seconds, side="right")):
            yield self._let_go(min(count, _STEP))

    def crowded_out(self) -> Halves:
        """Let go of the oldest if there is no room for all; return which of them waited in vain."""
        return self._let_go(max(self.halves.number - MOST, 0))

    def _let_go(self, count: int) -> Halves:
        """Let go of the first; return which of them waited in vain."""
        gone = self.halves.take(slice(count))
        if not count:
            return gone
        is_first = self.are_first(slice(0, count))
        deque(map(self._groups.pop, gone.key[is_first].tolist()), maxlen=0)
        gone = gone.take(~self.has_found[:count])
        self.first += count
        self.halves = self.halves.take(slice(count, None))
        self.has_found, self.group = self.has_found[count:], self.group[count:]
        self._since = self._since[count:]
        return gone
