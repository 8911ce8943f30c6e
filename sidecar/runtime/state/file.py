"""Keeping the state file open: opening it, writing to it twice a second, and coming back to it after errors."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from sidecar.model.health import Cause, Health, Status
from sidecar.runtime.backoff import Backoff
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.error import Reason, StateError
from sidecar.runtime.state.open_file import CALL_SECONDS, OpenFile
from sidecar.runtime.state.state import State
from sidecar.runtime.state.worker import Worker

FLUSH_SECONDS = 0.5
"""So that less than a second is missing after the process was killed, the time to write included."""
OPEN_SECONDS = 5.0
"""How long the start waits for the file; after that it goes on in memory."""
CLOSE_SECONDS = 2.0
"""Budget for the last write at shutdown."""
SET_ASIDE_FOR = frozenset({Reason.CORRUPT, Reason.NEWER})
"""What will never pass by itself; a file of another program is not ours to move."""


@dataclass(frozen=True, slots=True)
class StateFileFailing(Event):
    """The file cannot be used."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "State file `{path}` cannot be used ({reason}): {error}. State is kept in memory only."
    path: str
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class StateFileSetAside(Event):
    """The file is damaged, or of a newer version, and a new one takes its place."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "State file `{path}` is `{aside}` now, and a new one is begun ({reason}): {error}."
    path: str
    aside: str
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class StateFileRecovered(Event):
    """The file is used again."""

    message: ClassVar[str] = "State file `{path}` is used again after {seconds:.0f} s."
    path: str
    seconds: float


class StateFile:
    """Component that gives the state its file, and takes it away while the file cannot be used.

    It is ready once the file was read or could not be: no trouble with the file is a reason not to start, and none of
    it ever blocks the event loop. After an error the file is tried again with backoff; a damaged one, and one of a
    newer version, is set aside.
    """

    name = "state"

    def __init__(self, database: Database, state: State, clock: Clock, meter: Meter, events: Events) -> None:
        self._database = database
        self._state = state
        self._clock = clock
        self._events = events
        self._backoff = Backoff()
        self._failing_since: float | None = None
        self._healthy = meter.gauge("sidecar_state_healthy", "Whether state is written to its file: 1 or 0.")
        errors = meter.counter("sidecar_state_errors_total", "Errors of the state file, by reason.", ["reason"])
        self._errors = {reason: errors.labels(reason.value) for reason in Reason}

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until cancelled; then write what changed and close the file."""
        worker = Worker()
        try:
            was_set_aside = False
            while True:
                error = await self._use_file(worker, ready)
                self._errors[error.reason].inc()
                if error.reason is not Reason.NEWER:  # which is reported once, when it is set aside or cannot be
                    self._failed(error)
                is_set_aside = error.reason in SET_ASIDE_FOR and await self._set_aside(worker, error)
                if was_set_aside or not is_set_aside:
                    ready()
                    await self._clock.sleep(self._backoff.next_seconds())
                was_set_aside = is_set_aside
        finally:
            self._state.health = None
            self._healthy.set(0)

    async def _use_file(self, worker: Worker, ready: Callable[[], None]) -> StateError:
        """Work with the file until there is an error, and return that."""
        file = OpenFile(worker, self._database)
        try:
            await worker.run(self._database.open, OPEN_SECONDS)
            await self._state.use(file)
            while True:
                await self._state.flush()
                await worker.run(self._database.tidy, CALL_SECONDS)
                self._works()
                ready()
                await self._clock.sleep(FLUSH_SECONDS)
        except StateError as error:
            return error
        finally:
            await self._close(worker, file)

    async def _close(self, worker: Worker, file: OpenFile) -> None:
        file.deadline_seconds = CLOSE_SECONDS
        with suppress(StateError):
            await self._state.flush()
        self._state.let_go()
        with suppress(StateError):
            await worker.run(self._database.close, CLOSE_SECONDS)

    async def _set_aside(self, worker: Worker, error: StateError) -> bool:
        """Return whether the file, in which `error` was found, is out of the way."""
        try:
            aside = await worker.run(partial(self._database.set_aside, error.reason), CALL_SECONDS)
        except StateError as refusal:
            self._errors[refusal.reason].inc()
            self._failed(StateError(error.reason, f"{error}; it cannot be set aside: {refusal}"))
            return False
        self._events.emit(StateFileSetAside(self._database.path, aside, error.reason.value, str(error)))
        return True

    def _works(self) -> None:
        self._backoff.reset()
        self._healthy.set(1)
        self._state.health = Health(Status.PASS)
        if self._failing_since is not None:
            seconds = self._clock.monotonic() - self._failing_since
            self._events.emit(StateFileRecovered(self._database.path, seconds))
            self._failing_since = None

    def _failed(self, error: StateError) -> None:
        self._healthy.set(0)
        self._state.health = Health(Status.WARN, Cause.ERROR, f"in memory only, {error.reason.value}: {error}")
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            self._events.emit(StateFileFailing(self._database.path, error.reason.value, str(error)))
