"""What the OpenTelemetry SDK logs: reasons of failed exports, and whatever else it wants to tell, as our events."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from sidecar.model.redact import redact
from sidecar.runtime.events import Event, Events

SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SdkWarned(Event):
    """The SDK that sends our own telemetry has something to say."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Sending our own telemetry: {text}"
    identity: ClassVar[tuple[str, ...]] = ()
    text: str


class SdkLog(logging.Handler):
    """Takes what the SDK logs, out of the log of the process; `secrets` are never repeated.

    A failed export is told in several lines of which the first has the reason. So what is logged in a thread between
    `begin` and `end` is the reason that `end` returns, and anything else is an event.
    """

    def __init__(self, events: Events, secrets: Iterable[str]) -> None:
        super().__init__(logging.WARNING)
        self._events = events
        self._secrets = tuple(secrets)
        self._exports: dict[int, str] = {}
        self._last = ""
        self._muted = False

    def begin(self) -> None:
        """Note that this thread exports."""
        self._exports[threading.get_ident()] = ""

    def end(self) -> str:
        """Note that it does not any more, and return the first thing that was logged in between.

        The SDK leaves out what it has just logged in another thread; then that is returned.
        """
        return self._exports.pop(threading.get_ident(), "") or self._last

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for as long as the block lasts, then pass over all that comes: given up threads still tell of it."""
        logger = logging.getLogger("opentelemetry")
        logger.handlers[:] = [self]
        logger.propagate = False
        self._muted = False
        try:
            yield
        finally:
            self._muted = True

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take one line."""
        text = redact(record.getMessage(), self._secrets)[:SHOWN_CHARACTERS].strip(" .,")
        thread = threading.get_ident()
        if thread in self._exports:
            self._exports[thread] = self._exports[thread] or text
            self._last = text
        elif not self._muted:
            self._events.emit(SdkWarned(text))
