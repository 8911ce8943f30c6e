"""A queue of bodies on disk: what must survive the process, or has no room in memory."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sidecar.runtime.state.error import Reason, StateError
from sidecar.runtime.state.open_file import OpenFile
from sidecar.runtime.state.spilled import (
    READ_AT_ONCE_BYTES,
    Spilled,
    Ticket,
    add_rows,
    count_rows,
    delete_rows,
    postpone_row,
    read_rows,
)

T = TypeVar("T")

FULL = "spill_full"
LOST = "spill_lost"


class SpillQueue:
    """Bodies in the order of their ids, of `max_bytes` together; a Kept.

    A body *waits*, or its owner *holds* it and has it in memory too; only held ones are removed or postponed. When
    there is no room the oldest that waits goes. `dropped` is told of those that went: their label, FULL or LOST (with a
    file that broke), and how many. Without a file, nothing waits and nothing is taken.
    """

    def __init__(self, name: str, max_bytes: int, dropped: Callable[[str, str, int], None]) -> None:
        self.bytes = 0
        self._name = name
        self._max_bytes = max_bytes
        self._dropped = dropped
        self._file: OpenFile | None = None
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        self._held: dict[int, Ticket] = {}
        self._removed: set[int] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    @property
    def waiting(self) -> int:
        """How many bodies `read` can give."""
        return self._waiting.total() if self._file is not None else 0

    def holds(self, number: int) -> bool:
        """Whether the body with this id is held and in the file."""
        return self._file is not None and number in self._held

    async def add(self, bodies: Sequence[Spilled], *, held: bool = False) -> None:
        """Write `bodies`, which wait then unless they are `held`; when it returns they survive the process.

        Those that are there already are left as they are. Raises StateError when nothing was written.
        """
        async with self._turn:
            await self._delete_removed()
            kept = self._not_waiting() | (frozenset(body.id for body in bodies) if held else frozenset())
            room = self._max_bytes - self.bytes
            added = await self._call(partial(add_rows, self._name, bodies, room, kept))
            for body in added.written:
                self.bytes += len(body.body)
                self._waiting[body.label] += 1
            for label, size in added.dropped:
                self.bytes -= size
                self._waiting[label] -= 1
                self._dropped(label, FULL, 1)
            if held:
                self._hold(bodies)
            else:
                for body in bodies:
                    self.release(body.id)

    async def read(self, max_bytes: int = READ_AT_ONCE_BYTES) -> list[Spilled]:
        """Return the oldest bodies that wait, of about `max_bytes`, and hold them; raises StateError."""
        async with self._turn:
            await self._delete_removed()
            bodies = await self._call(partial(read_rows, self._name, self._not_waiting(), max_bytes))
            self._hold(bodies)
            if not bodies:
                self._waiting.clear()
            return bodies

    async def postpone(self, number: int, later: int) -> None:
        """Let go of a held body, which waits as `later` then; raises StateError."""
        async with self._turn:
            if number not in self._held:
                raise StateError(Reason.GONE, "the body is not in the file")
            await self._call(partial(postpone_row, self._name, number, later))
            self._waiting[self._held.pop(number).label] += 1

    def release(self, number: int) -> None:
        """Let go of a held body, which waits again; harmless when it is not held."""
        ticket = self._held.pop(number, None)
        if ticket is not None:
            self._waiting[ticket.label] += 1

    def remove(self, number: int) -> None:
        """Have a held body deleted with the next flush; harmless when it is not held."""
        ticket = self._held.pop(number, None)
        if ticket is not None:
            self.bytes -= ticket.size
            self._removed.add(number)

    async def attach(self, file: OpenFile) -> None:
        """Count what `file` has."""
        async with self._turn:
            held, removed = dict(self._held), frozenset(self._removed)
            found = await file.call(partial(count_rows, self._name, held.keys(), removed))
            self._file = file
            self._removed -= removed
            self._held = {number: held[number] for number in found.held if number in self._held}
            self.bytes = found.bytes - sum(held[number].size for number in found.held if number not in self._held)
            before, self._waiting = self._waiting, found.waiting
            for label, count in (before - found.waiting).items():
                self._dropped(label, LOST, count)

    async def flush(self, file: OpenFile) -> None:
        """Delete what was removed."""
        async with self._turn:
            if file is self._file:
                await self._delete_removed()

    def detach(self) -> None:
        """Take nothing until a file is attached."""
        self._file = None

    def _not_waiting(self) -> frozenset[int]:
        """Return ids of bodies that have a row and do not wait; some may be removed while the rows are looked at."""
        return frozenset(self._held) | frozenset(self._removed)

    def _hold(self, bodies: Sequence[Spilled]) -> None:
        for body in bodies:
            if body.id not in self._held:
                self._held[body.id] = Ticket(body.label, len(body.body))
                self._waiting[body.label] -= 1

    async def _delete_removed(self) -> None:
        numbers = frozenset(self._removed)
        if numbers:
            await self._call(partial(delete_rows, self._name, numbers))
            self._removed -= numbers

    async def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._file is None:
            raise StateError(Reason.UNREACHABLE, "no state file is open")
        try:
            return await self._file.call(work)
        except StateError:
            self.detach()
            raise
