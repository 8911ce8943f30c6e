"""Processes that write to a state file until they are killed.

For each line `path board` on standard input one is forked, which saves the imports, and its process id is written to
standard output. It puts records 0, 1, 2, ... on from where the file ends, and notes on the board when it put each.
"""

import asyncio
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import StateFile
from sidecar.runtime.state.state import State
from sidecar.runtime.state.table import StateTable
from tests.fakes import RecordedEvents

NOTE = struct.Struct("d")
BOARD_BYTES = 100_000 * NOTE.size
PAUSE_SECONDS = 0.005


def value_of(number: int) -> bytes:
    """Return what is put as record `number`; of very different sizes."""
    return str(number).encode() * (1 + number * 7919 % 500)


def notes(board: Path) -> list[float]:
    """Return when each record was put, by the machine's monotonic clock."""
    return [seconds for (seconds,) in NOTE.iter_unpack(board.read_bytes()) if seconds]


async def write(path: str, board: mmap.mmap) -> None:
    """Put records until killed."""
    found: list[str] = []

    def restore(records: Sequence[tuple[str, bytes]]) -> None:
        found.extend(key for key, _ in records)

    state, meter, ready = State(), Meter(CollectorRegistry()), asyncio.Event()
    table = StateTable("things", 2**26, restore, meter)
    file = StateFile(Database(path), state, SystemClock(), meter, RecordedEvents())
    async with asyncio.TaskGroup() as group, state.keeping(table):
        group.create_task(file.run(ready.set))
        await ready.wait()
        number = len(found)
        while True:
            table.put(str(number), value_of(number))
            NOTE.pack_into(board, number * NOTE.size, time.monotonic())
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)


def main() -> None:
    """Fork a writer for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that one that is dead is gone
    for line in sys.stdin:
        path, board = line.split()
        pid = os.fork()
        if not pid:
            with open(board, "r+b") as file:
                asyncio.run(write(path, mmap.mmap(file.fileno(), BOARD_BYTES)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
