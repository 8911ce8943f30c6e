"""Keeping error groups in the state file, so that they and what was said of them survive a restart."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.open_file import OpenFile
from sidecar.runtime.state.state import State
from sidecar.runtime.state.table import Record, StateTable
from sidecar.spans.error_groups.store import ErrorGroups

MAX_BYTES = 64 << 20
"""Of groups in the file, 5 to 20 KB each: more than `errors.max_groups` has by default."""
AT_ONCE = 100
"""Groups that are packed or read, about 1 ms, before others may run."""


@dataclass(frozen=True, slots=True)
class ErrorGroupsUnreadable(Event):
    """The state file holds error groups that this version cannot read; they are left out, and removed."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "{count} error groups in the state file cannot be read and are gone."
    count: int


class ErrorGroupsKeeper:
    """Component that gives the error groups their place in the state file, whether there is a file or not."""

    name = "error_groups"

    def __init__(self, groups: ErrorGroups, state: State, meter: Meter, events: Events) -> None:
        self._state = state
        self._kept = KeptErrorGroups(groups, meter, events)

    async def run(self, ready: Callable[[], None]) -> None:
        """Keep them until cancelled; what changed last is written then."""
        async with self._state.keeping(self._kept):
            ready()
            await asyncio.Event().wait()


class KeptErrorGroups:
    """The error groups as a Kept: those that changed are packed when the file is about to be written, and only then."""

    def __init__(self, groups: ErrorGroups, meter: Meter, events: Events) -> None:
        self._groups = groups
        self._events = events
        self._found: list[Record] = []
        self._table = StateTable("error_groups", MAX_BYTES, self._note, meter)

    async def attach(self, file: OpenFile) -> None:
        """Restore what the first file holds, the groups that changed last first."""
        await self._table.attach(file)
        unreadable = 0
        while self._found:
            part = self._found[-AT_ONCE:]
            del self._found[-AT_ONCE:]
            unreadable += self._groups.restore(part)
            await asyncio.sleep(0)
        if unreadable:
            self._events.emit(ErrorGroupsUnreadable(unreadable))

    async def flush(self, file: OpenFile) -> None:
        """Write the groups that have changed by now."""
        for _ in range(0, self._groups.changed, AT_ONCE):
            for key, record in self._groups.next_changes(AT_ONCE):
                if record is None:
                    self._table.delete(key)
                else:
                    self._table.put(key, record)
            await asyncio.sleep(0)
        await self._table.flush(file)

    def detach(self) -> None:
        """Go on in memory."""
        self._table.detach()

    def _note(self, records: Sequence[Record]) -> None:
        self._found += records
