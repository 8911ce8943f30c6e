"""Writers that are killed at any moment, and what is in their files then: all but the last second, in good order."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path
from random import Random

from tests.conftest import ROOT
from tests.unit.runtime.state.writer import BOARD_BYTES, notes, value_of

LINES_OF_LIFE = 5
LONGEST_LIFE_SECONDS = 2.0
MISSING_SECONDS = 1.0


async def kill_writers(folder: Path, kills: int, seed: int = 0) -> None:
    """Have several files be written at once, kill each file's writer so often, and look at what each left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.runtime.state.writer",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    writers = _Writers(process)
    async with asyncio.TaskGroup() as group:
        for number in range(LINES_OF_LIFE):
            group.create_task(_lives(folder / f"{number}.db", kills, writers, Random(seed + number)))
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0


class _Writers:
    """Starts writers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def start(self, path: Path, board: Path) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(f"{path} {board}\n".encode())
            return int(await self._process.stdout.readline())


async def _lives(path: Path, kills: int, writers: _Writers, random: Random) -> None:
    """Have one writer after the other go on with the same file, and look at what each left."""
    for life in range(kills):
        board = path.with_suffix(f".board{life}")
        board.write_bytes(bytes(BOARD_BYTES))
        pid = await writers.start(path, board)
        await asyncio.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
        killed_at = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await _gone(pid)
        due = [number for number, at in _put(board) if at < killed_at - MISSING_SECONDS]
        count = await asyncio.to_thread(_readable_records, path)
        assert count > max(due, default=-1)


def _put(board: Path) -> list[tuple[int, float]]:
    """Return the records that were put in this life, and when."""
    data = board.read_bytes()
    first = next((start // 8 for start in range(0, len(data), 8) if data[start : start + 8] != bytes(8)), 0)
    return [(first + index, at) for index, at in enumerate(notes(board))]


async def _gone(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.001)


def _readable_records(path: Path) -> int:
    """Return how many records the file has; fails when it is damaged, or one before the last is missing or wrong."""
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'records'").fetchone()[0]:
            return 0
        stored = dict(connection.execute("SELECT key, value FROM records").fetchall())
    finally:
        connection.close()
    assert stored == {str(number): value_of(number) for number in range(len(stored))}
    return len(stored)
