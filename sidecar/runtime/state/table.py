"""Records by key that survive a restart."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from sidecar.model.steps import slices
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.database import transaction
from sidecar.runtime.state.open_file import OpenFile

Record: TypeAlias = tuple[str, bytes]

RECORD_OVERHEAD_BYTES = 256
"""What a record takes beside its key and value, so that many empty ones are bounded too."""
RESTORED_AT_ONCE = 100
"""Records given to their owner before others may run."""
WRITTEN_AT_ONCE = 1000
"""Records in a transaction, so that the disk is never waited for long."""


class StateTable:
    """A bounded mapping of keys to values, mirrored to the state file; a Kept.

    Memory decides: a file that comes back after it was away, or takes the place of another, is brought up to what is
    here. Only the first one is read: `restore` gets its records that were not put or deleted here meanwhile, in parts,
    those first that were put first. That is when the table gets its place, or later if the file could not be opened
    then. Where there is no room, what was not put for the longest time goes, and
    `sidecar_state_dropped_records_total` counts it.
    """

    def __init__(self, name: str, max_bytes: int, restore: Callable[[Sequence[Record]], None], meter: Meter) -> None:
        self._name = name
        self._max_bytes = max_bytes
        self._restore = restore
        self._is_restored = False
        self._is_attached = False
        self._records: dict[str, bytes] = {}
        self._bytes = 0
        self._changed: dict[str, None] = {}
        self._found: list[Record] = []
        self._dropped = meter.counter(
            "sidecar_state_dropped_records_total", "Records that had no room in their table.", ["table"]
        ).labels(name)

    def __len__(self) -> int:
        return len(self._records)

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`, instead of what was there.

        What is too large for the table is not kept, nor what no file can hold: a `key` that is not Unicode.
        """
        if not _is_unicode(key):
            self._dropped.inc()
            return
        self._remove(key)
        if _size(key, value) > self._max_bytes:
            self._mark(key)
            self._dropped.inc()
            return
        self._records[key] = value
        self._bytes += _size(key, value)
        self._mark(key)
        self._make_room()

    def delete(self, key: str) -> None:
        """Keep nothing under `key`; harmless when nothing is."""
        if _is_unicode(key):
            self._remove(key)
            self._mark(key)

    async def attach(self, file: OpenFile) -> None:
        """Restore what the first file holds; note in what any other differs."""
        here = dict(self._records)
        unknown, differing = await file.call(partial(_compare, self._name, here))
        self._is_attached = True
        if not self._is_restored:
            self._take_over([record for record in unknown if record[0] not in self._changed])
        else:
            differing += [key for key, _ in unknown]
        self._changed |= dict.fromkeys(differing)
        await self._hand_over()

    async def flush(self, file: OpenFile) -> None:
        """Write what was changed up to now."""
        for keys in slices(list(self._changed), WRITTEN_AT_ONCE):
            changes = [(key, self._records.get(key)) for key in keys]
            await file.call(partial(_write, self._name, changes))
            for key, value in changes:
                if self._records.get(key) is value:
                    self._changed.pop(key, None)

    def detach(self) -> None:
        """Go on in memory, which has everything."""
        self._is_attached = False

    def _take_over(self, records: Sequence[Record]) -> None:
        self._is_restored = True
        self._records = dict(records) | self._records
        self._bytes += sum(_size(key, value) for key, value in records)
        self._found += records
        self._make_room()

    async def _hand_over(self) -> None:
        """Give its owner what was found; cancelled, go on with that at the next file."""
        while self._found:
            part = self._found[:RESTORED_AT_ONCE]
            del self._found[:RESTORED_AT_ONCE]
            self._restore([record for record in part if self._records.get(record[0]) is record[1]])
            await asyncio.sleep(0)

    def _make_room(self) -> None:
        while self._bytes > self._max_bytes:
            key = next(iter(self._records))
            self._remove(key)
            self._mark(key)
            self._dropped.inc()

    def _remove(self, key: str) -> None:
        value = self._records.pop(key, None)
        if value is not None:
            self._bytes -= _size(key, value)

    def _mark(self, key: str) -> None:
        """Note that the file is to learn about `key`; while it is away for long, the oldest deletions are forgotten."""
        self._changed.pop(key, None)
        self._changed[key] = None
        if not self._is_attached and len(self._changed) > 2 * self._max_bytes // RECORD_OVERHEAD_BYTES:
            del self._changed[next(iter(self._changed))]


class _Comparison(NamedTuple):
    unknown: list[Record]
    differing: list[str]


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + RECORD_OVERHEAD_BYTES


def _is_unicode(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _compare(name: str, here: Mapping[str, bytes], connection: sqlite3.Connection) -> _Comparison:
    """Return the records that only the file has, and the keys of those that it has not, or otherwise."""
    rows = connection.execute("SELECT key, value FROM records WHERE collection = ? ORDER BY rowid", (name,))
    stored: dict[str, bytes] = dict(rows.fetchall())
    unknown = [(key, value) for key, value in stored.items() if key not in here]
    return _Comparison(unknown, [key for key, value in here.items() if stored.get(key) != value])


def _write(name: str, changes: Sequence[tuple[str, bytes | None]], connection: sqlite3.Connection) -> None:
    put = [(name, key, value) for key, value in changes if value is not None]
    gone = [(name, key) for key, value in changes if value is None]
    with transaction(connection):
        connection.executemany("INSERT OR REPLACE INTO records (collection, key, value) VALUES (?, ?, ?)", put)
        connection.executemany("DELETE FROM records WHERE collection = ? AND key = ?", gone)
