"""Lines of the log on their way to standard error: whoever logs never waits for who reads."""

import logging
import os
from collections import deque
from io import UnsupportedOperation
from threading import Condition, Thread
from typing import TextIO

from typing_extensions import override

FIELDS = "sidecar_fields"
"""Attribute of a log record that holds the event's fields."""
MOST_CHARACTERS = 1 << 20
"""Of lines that wait to be written; one that is longer by itself is never written."""
FLUSH_SECONDS = 1.0
"""How long the end of the process waits for lines to be written."""


class QueuedHandler(logging.Handler):
    """Has the lines of records written to `stream` by a thread; what does not fit in the queue is `dropped`.

    When there is room again, a line says how many were. A file is written to past the buffer of `stream`, whose lock a
    write that hangs would hold, and the end of the interpreter waits for it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.dropped = 0
        self._dropped_told = 0
        self._lines: deque[str] = deque()
        self._characters = 0
        self._changed = Condition()
        Thread(target=self._write_lines, name="log", daemon=True).start()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n"
        with self._changed:
            if self._characters + len(line) > MOST_CHARACTERS:
                self.dropped += 1
                return
            self._lines.append(line)
            self._characters += len(line)
            self._changed.notify_all()

    @override
    def flush(self) -> None:
        """Wait until everything is written, for a second at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._characters, FLUSH_SECONDS)

    def _write_lines(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                line = self._lines.popleft()
            written = self._write(line)
            with self._changed:
                self._characters -= len(line)
                self.dropped += not written
                self._changed.notify_all()
            if written and not self._lines:
                self._tell_dropped()

    def _write(self, line: str) -> bool:
        try:
            self._write_whole(line)
        except (OSError, ValueError):  # nobody can read it any more, or it is closed
            return False
        return True

    def _write_whole(self, line: str) -> None:
        try:
            file = self.stream.fileno()
        except UnsupportedOperation:  # it is none of the system's
            self.stream.write(line)
            return
        left = line.encode(errors="backslashreplace")
        while left:
            left = left[os.write(file, left) :]

    def _tell_dropped(self) -> None:
        dropped = self.dropped - self._dropped_told
        if dropped:
            self._dropped_told = self.dropped
            text = f"{dropped} lines were not written, because standard error did not take them."
            record = logging.LogRecord("sidecar", logging.WARNING, "", 0, text, None, None)
            setattr(record, FIELDS, {"event": "LogLinesDropped", "lines": dropped})
            self.emit(record)


def lines_dropped() -> int:
    """Return how many lines the handler in use has dropped."""
    return sum(handler.dropped for handler in logging.getLogger().handlers if isinstance(handler, QueuedHandler))


def handler_for(stream: TextIO) -> QueuedHandler:
    """Return the root logger's handler, or a new one where that writes elsewhere."""
    handlers = logging.getLogger().handlers
    used = (handler for handler in handlers if isinstance(handler, QueuedHandler) and handler.stream is stream)
    return next(used, None) or QueuedHandler(stream)
