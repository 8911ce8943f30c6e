"""A state file that is open."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sidecar.runtime.state.database import Database
from sidecar.runtime.state.error import StateError
from sidecar.runtime.state.worker import Worker

T = TypeVar("T")

CALL_SECONDS = 10.0
"""Deadline of one piece of work; a transaction of 8 MiB takes a fraction of a second."""


class OpenFile:
    """An open database in its thread. The first error is the last: after that the file is opened anew."""

    def __init__(self, worker: Worker, database: Database) -> None:
        self.deadline_seconds = CALL_SECONDS
        self._error: StateError | None = None
        self._worker = worker
        self._database = database

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns, called in the thread; raise StateError when it cannot be done in time."""
        if self._error is not None:
            raise self._error
        try:
            return await self._worker.run(lambda: work(self._database.connection), self.deadline_seconds)
        except StateError as error:
            self._error = error
            raise
