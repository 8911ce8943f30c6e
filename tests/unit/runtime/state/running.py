"""A state file that runs, with what it says in view."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import StateFile
from sidecar.runtime.state.state import Kept, State
from sidecar.runtime.state.table import StateTable
from tests.fakes import FakeClock, RecordedEvents, until


class Running:
    """A state and its file; time passes when a test says so."""

    def __init__(self, path: Path, database: Database | None = None) -> None:
        self.path = path
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.meter = Meter(self.registry)
        self.events = RecordedEvents(self.clock)
        self.state = State()
        self.restored: dict[str, bytes] = {}
        self.file = StateFile(database or Database(str(path)), self.state, self.clock, self.meter, self.events)

    def table(self, name: str = "things", max_bytes: int = 2**24) -> StateTable:
        return StateTable(name, max_bytes, self._restore, self.meter)

    def _restore(self, records: Sequence[tuple[str, bytes]]) -> None:
        self.restored |= dict(records)

    @asynccontextmanager
    async def opened(self, *kept: Kept) -> AsyncIterator[None]:
        """Run the file with `kept` in their places."""
        async with open_tier(self.clock, self.events) as tier:
            if not kept:
                await tier.start(self.file)
                yield
                return
            async with self.state.keeping(kept[0]):
                await tier.start(self.file)
                yield

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and the worker do what it finds to do."""
        await self.clock.until_somebody_sleeps()
        await self.clock.advance(seconds)
        await self.clock.until_somebody_sleeps()

    @property
    def healthy(self) -> float | None:
        return self.registry.get_sample_value("sidecar_state_healthy")

    def errors(self, reason: str) -> float | None:
        return self.registry.get_sample_value("sidecar_state_errors_total", {"reason": reason})

    async def until_error(self, reason: str, count: int = 1) -> None:
        await until(lambda: (self.errors(reason) or 0) >= count)

    def said(self) -> list[str]:
        """Return the kinds of events so far."""
        return [type(event).__name__ for event in self.events.seen]


def records_after_a_kill(path: Path, name: str = "things") -> dict[str, bytes]:
    """Return the records of a table as they would be found if the process were gone now."""
    return records_in(as_after_a_kill(path, path.parent / "copy.db"), name)


def as_after_a_kill(path: Path, copy: Path) -> Path:
    """Make `copy` what the file would be if the process were gone now, and return it."""
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    return copy


def records_in(path: Path, name: str = "things") -> dict[str, bytes]:
    """Return the records of a table as another process finds them."""
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT key, value FROM records WHERE collection = ?", (name,)).fetchall())
    finally:
        connection.close()
