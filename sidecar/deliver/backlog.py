"""Bodies that are to be forwarded: in memory, and on disk once they are not sent at once."""

import asyncio
from collections import deque
from contextlib import suppress
from itertools import chain
from math import inf
from typing import NamedTuple

from sidecar.deliver.entry import NO_TRIES, Entry, Tries, entry_of, signal_of, spilled_of
from sidecar.deliver.forward_meters import ForwardMeters
from sidecar.deliver.merging import Merging, may_be_merged, take_along
from sidecar.model.forward import ForwardBody
from sidecar.runtime.clock import Clock
from sidecar.runtime.state.error import StateError
from sidecar.runtime.state.spill import SpillQueue

LATE_SECONDS = 0.5
"""From this age on a body belongs on disk: whatever keeps it, the process may end before that does."""
STORED_AT_ONCE_BYTES = 8 * 2**20
OF_MEMORY = 0.25
"""With a disk: the part of the memory that may be under way, and the part from which on what waits is written."""
REMEMBERED_TRIES = 1000
"""Bodies of which is known how often they were tried, though they are on disk only."""


class Limits(NamedTuple):
    """What may be in memory."""

    max_bytes: int
    max_requests: int


class Backlog:
    """Gives out bodies in their order, those together that go in one request by `merging`.

    Each is *under way* then, until it is `done` or postponed.

    At most `limits` are in memory; beyond that the oldest that waits is dropped, so that `put` never waits. With a
    spill queue whose file is there, `store_late` writes to disk what was not sent at once; it is taken from there then,
    before what came after it. What is on disk survives the process until it is `done`. So that there is room in memory
    for what comes until it is on disk, no more is given out while a quarter of the memory is under way, and what waits
    is `crowded` when it takes a quarter.
    """

    def __init__(
        self,
        limits: Limits,
        spill: SpillQueue | None,
        clock: Clock,
        meters: ForwardMeters,
        merging: Merging,
    ) -> None:
        self._limits = limits
        self._merging = merging
        self._spill = spill
        self._clock = clock
        self._meters = meters
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._storing: deque[Entry] = deque()
        self._ahead: deque[Entry] = deque()
        self._under_way: dict[int, Entry] = {}
        self._other_bytes = 0
        self._tries: dict[int, Tries] = {}
        self._last_id = 0
        self._changed = asyncio.Event()
        self._crowded = asyncio.Event()
        self._enough = asyncio.Event()
        self._taking = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._writing = asyncio.Lock()

    def __len__(self) -> int:
        """Return how many bodies are in memory."""
        return len(self._waiting) + len(self._storing) + len(self._ahead) + len(self._under_way)

    @property
    def bytes(self) -> int:
        """How large the bodies in memory are."""
        return self._waiting_bytes + self._other_bytes

    def put(self, body: ForwardBody) -> None:
        """Append a body; the oldest that wait make room, or it is dropped itself where that does not help."""
        entry = Entry(self._next_id(), body, self._clock.monotonic())
        if self._other_bytes + entry.size > self._limits.max_bytes:
            self._meters.dropped(body.signal, "queue_full")
            return
        while self._has_no_room(entry):
            self._meters.dropped(self._pop_waiting().body.signal, "queue_full")
        self._append(entry)

    async def take(self) -> list[Entry]:
        """Wait for the oldest body, and for what may go with it; return both, which are under way now."""
        async with self._taking:  # others who take would have what this one waits for
            first = await self._first()
            if may_be_merged(first):
                await self._wait_for_others(first)
            return [first, *self._along(first)]

    def take_from_memory(self) -> list[Entry]:
        """Return the oldest body that is in memory only and what may go with it, without waiting; nothing if none."""
        first = self._first_waiting()
        return [] if first is None else [first, *self._along(first)]

    def done(self, entry: Entry) -> None:
        """Be rid of a body that is under way."""
        self._forget(entry)
        if self._spill is not None:
            self._spill.remove(entry.id)

    async def postpone(self, entry: Entry) -> bool:
        """Put a body that is under way at the end of the line; return False if it must stay under way for now."""
        later = self._next_id()
        if self._spill is not None and self._spill.is_open:
            try:
                await self._spill.postpone(entry.id, later)
            except StateError:
                return False
            self._forget(entry)
            self._remember_tries(later, entry.tries)
        else:
            self._forget(entry)
            entry.id = later
            self._append(entry)
        self._changed.set()
        return True

    def give_back(self) -> None:
        """Have all that is under way wait again, first in the line."""
        entries = sorted(chain(self._ahead, self._under_way.values()), key=lambda entry: -entry.id)
        self._ahead.clear()
        for entry in entries:
            self._forget(entry)
            if self._spill is not None and self._spill.holds(entry.id):
                self._spill.release(entry.id)
            else:
                self._waiting.appendleft(entry)
                self._waiting_bytes += entry.size

    async def store_late(self) -> None:
        """Write everything to disk, if some of it is late; does nothing where there is no disk."""
        if self._spill is not None and self._spill.is_open and self._is_late(self._spill):
            await self._store(self._spill)
        self._changed.set()

    async def crowded(self) -> None:
        """Wait until what waits in memory takes so much room that it belongs on disk at once."""
        await self._crowded.wait()
        self._crowded.clear()

    async def store(self) -> None:
        """Write everything to disk, if there is one."""
        if self._spill is not None and self._spill.is_open:
            await self._store(self._spill)

    def drop_waiting(self, reason: str) -> None:
        """Drop what waits in memory."""
        while self._waiting:
            self._meters.dropped(self._pop_waiting().body.signal, reason)

    async def _first(self) -> Entry:
        while True:
            entry = await self._next()
            if entry is not None:
                self._under_way[entry.id] = entry
                return entry
            self._changed.clear()
            await self._changed.wait()

    async def _wait_for_others(self, first: Entry) -> None:
        """Wait for as long as `first` may, or until enough is there."""
        self._enough.clear()
        seconds = first.came_at_seconds + self._merging.wait_seconds - self._clock.monotonic()
        if seconds > 0 and not self._ahead and not self._has_enough:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._enough.wait()

    def _along(self, first: Entry) -> list[Entry]:
        """Return what goes in one request with `first`, under way now; nothing comes before what is on disk."""
        if not may_be_merged(first):
            return []
        bodies, room = self._merging.max_bodies - 1, self._merging.max_bytes - first.size
        found = take_along(first, self._ahead, room, bodies)
        if not found and not self._ahead and not self._storing and not (self._spill and self._spill.waiting):
            found = take_along(first, self._waiting, min(room, self._room_under_way), bodies)
            size = sum(entry.size for entry in found)
            self._waiting_bytes -= size
            self._other_bytes += size
        self._under_way.update((entry.id, entry) for entry in found)
        return found

    def _first_waiting(self) -> Entry | None:
        if not self._waiting or self._storing:
            return None
        entry = self._pop_waiting()
        self._other_bytes += entry.size
        self._under_way[entry.id] = entry
        return entry

    async def _next(self) -> Entry | None:
        while self._spill is not None and self._spill.waiting and not self._ahead and not self._has_enough_under_way:
            await self._read_ahead(self._spill)
        if self._ahead:
            return self._ahead.popleft()
        return None if self._has_enough_under_way else self._first_waiting()

    @property
    def _has_enough_under_way(self) -> bool:
        return self._room_under_way <= 0

    @property
    def _room_under_way(self) -> float:
        has_disk = self._spill is not None and self._spill.is_open
        return self._limits.max_bytes * OF_MEMORY - self._other_bytes if has_disk else inf

    @property
    def _is_crowded(self) -> bool:
        limits = self._limits
        return (
            self._waiting_bytes > limits.max_bytes * OF_MEMORY or len(self._waiting) > limits.max_requests * OF_MEMORY
        )

    @property
    def _has_enough(self) -> bool:
        """Whether there is a whole request, or no room to wait for one."""
        bodies, size = len(self._waiting), self._waiting_bytes
        return bodies >= self._merging.max_bodies or size >= self._merging.max_bytes or self._is_crowded

    async def _read_ahead(self, spill: SpillQueue) -> None:
        async with self._reading:
            if self._ahead or self._has_enough_under_way:
                return
            with suppress(StateError):  # it waits no more then
                for spilled in await spill.read(int(self._limits.max_bytes * OF_MEMORY)):
                    entry = entry_of(spilled, self._clock.monotonic(), self._tries.pop(spilled.id, NO_TRIES))
                    if entry is None:
                        spill.remove(spilled.id)
                        self._meters.dropped(signal_of(spilled.label), "unknown")
                        continue
                    self._ahead.append(entry)
                    self._other_bytes += entry.size

    def _is_late(self, spill: SpillQueue) -> bool:
        limit = self._clock.monotonic() - LATE_SECONDS
        if self._waiting and (spill.waiting or self._ahead or self._waiting[0].came_at_seconds <= limit):
            return True
        under_way = self._under_way.values()
        return any(entry.came_at_seconds <= limit and not spill.holds(entry.id) for entry in under_way)

    async def _store(self, spill: SpillQueue) -> None:
        async with self._writing:
            with suppress(StateError):  # it stays in memory then
                await self._store_under_way(spill)
                while self._waiting:
                    await self._store_waiting(spill)

    async def _store_under_way(self, spill: SpillQueue) -> None:
        entries = [entry for entry in self._under_way.values() if not spill.holds(entry.id)]
        if entries:
            await spill.add([spilled_of(entry) for entry in entries], held=True)
        for entry in entries:
            self._meters.spilled(entry.body)
            if entry.id not in self._under_way:
                spill.remove(entry.id)

    async def _store_waiting(self, spill: SpillQueue) -> None:
        size = 0
        while self._waiting and size < STORED_AT_ONCE_BYTES:
            entry = self._pop_waiting()
            self._storing.append(entry)
            size += entry.size
        self._other_bytes += size
        try:
            await spill.add([spilled_of(entry) for entry in self._storing])
        except BaseException:
            self._waiting.extendleft(reversed(self._storing))
            self._waiting_bytes += size
            raise
        else:
            for entry in self._storing:
                self._meters.spilled(entry.body)
        finally:
            self._other_bytes -= size
            self._storing.clear()
            self._changed.set()

    def _has_no_room(self, entry: Entry) -> bool:
        limits = self._limits
        is_too_much = self.bytes + entry.size > limits.max_bytes
        return bool(self._waiting) and (is_too_much or len(self._waiting) >= limits.max_requests)

    def _append(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._waiting_bytes += entry.size
        self._changed.set()
        if self._is_crowded:
            self._crowded.set()
        if self._has_enough:
            self._enough.set()

    def _pop_waiting(self) -> Entry:
        entry = self._waiting.popleft()
        self._waiting_bytes -= entry.size
        return entry

    def _forget(self, entry: Entry) -> None:
        self._under_way.pop(entry.id, None)
        self._other_bytes -= entry.size
        self._changed.set()

    def _remember_tries(self, number: int, tries: Tries) -> None:
        self._tries[number] = tries
        if len(self._tries) > REMEMBERED_TRIES:
            del self._tries[next(iter(self._tries))]

    def _next_id(self) -> int:
        self._last_id = max(self._last_id + 1, int(self._clock.now() * 1e6))
        return self._last_id
