"""A store in memory that survives a restart."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from sidecar.runtime.events import Event, Events
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.open_file import OpenFile
from sidecar.runtime.state.table import Record, StateTable

T = TypeVar("T")
Change: TypeAlias = tuple[str, bytes | None]
"""The key of a record and what it is now; None when it is gone."""

AT_ONCE = 100
"""Records that are packed or read, about 1 ms, before others may run."""


class Restorable(Protocol):
    """A store whose records can be kept; it stays pure and works the same whether there is a file or not."""

    @property
    def changed(self) -> int:
        """How many records `next_changes` has; the store bounds it itself, as nobody asks while there is no file."""
        ...

    def next_changes(self, most: int, /) -> Sequence[Change]:
        """Return up to `most` records that changed since they were last returned or restored."""
        ...

    def restore(self, records: Iterable[Record], /) -> int:
        """Take records of an earlier process, all older than what is here; return how many could not be read.

        Those are gone: `next_changes` returns them as such.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecordsUnreadable(Event):
    """The state file holds records that this version cannot read; they are left out, and removed."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "{count} records of `{table}` in the state file cannot be read and are gone."
    table: str
    count: int


@dataclass(frozen=True, slots=True)
class StoreFailed(Event):
    """A store raised an error when it was asked for changes or given records; the file and other stores go on."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "`{table}` failed at reading or writing its records in the state file: {error}."
    identity: ClassVar[tuple[str, ...]] = ("table",)
    table: str
    error: str


class StateKeeper:
    """Keeps `store` under `name` in the state file; a Kept.

    The first file's records are given to the store in parts, those that changed last first. Changes are packed when
    the file is about to be written, and only then. The file has at most `max_bytes` of them.
    """

    def __init__(self, name: str, store: Restorable, max_bytes: int, meter: Meter, events: Events) -> None:
        self._name = name
        self._store = store
        self._events = events
        self._found: list[Record] = []
        self._table = StateTable(name, max_bytes, self._found.extend, meter)

    async def attach(self, file: OpenFile) -> None:
        """Restore what the first file holds; cancelled, go on with that at the next one."""
        await self._table.attach(file)
        unreadable = 0
        try:
            while self._found:
                part = self._found[: -AT_ONCE - 1 : -1]
                del self._found[-AT_ONCE:]
                unreadable += self._asked(partial(self._store.restore, part), otherwise=0)
                await asyncio.sleep(0)
        finally:
            if unreadable:
                self._events.emit(RecordsUnreadable(self._name, unreadable))

    async def flush(self, file: OpenFile) -> None:
        """Write the records that have changed by now."""
        for _ in range(0, self._asked(lambda: self._store.changed, otherwise=0), AT_ONCE):
            changes: Sequence[Change] = self._asked(partial(self._store.next_changes, AT_ONCE), otherwise=())
            for key, record in changes:
                if record is None:
                    self._table.delete(key)
                else:
                    self._table.put(key, record)
            await asyncio.sleep(0)
        await self._table.flush(file)

    def detach(self) -> None:
        """Go on in memory."""
        self._table.detach()

    def _asked(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - the edge: one store's bug must not take the file from the others
            self._events.emit(StoreFailed(self._name, reason_of(error)))
            return otherwise
