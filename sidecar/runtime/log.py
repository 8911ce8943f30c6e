"""Structured logging on standard error: JSON for machines, one coloured-free line for people."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from typing_extensions import override

from sidecar.runtime.config import LogConfig
from sidecar.runtime.library_log import LibraryRecords
from sidecar.runtime.queued_log import FIELDS, handler_for


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, message and the event's fields."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON; line breaks in values are escaped, so a line is always one record."""
        line: dict[str, object] = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        line |= getattr(record, FIELDS, {})
        line["message"] = record.getMessage()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """`time LEVEL message key=value ...` on one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, control characters escaped."""
        fields = getattr(record, FIELDS, {})
        tail = "".join(f" {name}={value!r}" for name, value in fields.items() if name != "event")
        line = f"{_time_of(record)} {record.levelname:<7} {record.getMessage()}{tail}"
        line = line.encode("unicode_escape").decode("ascii") if not line.isprintable() else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(config: LogConfig, stream: TextIO | None = None) -> logging.Logger:
    """Send all log records to `stream` (standard error) in the configured format; return the sidecar's logger."""
    root = logging.getLogger()
    handler = handler_for(stream or sys.stderr)
    people = config.format == "console" or (config.format == "auto" and handler.stream.isatty())
    handler.setFormatter(ConsoleFormatter() if people else JsonFormatter())
    if not handler.filters:  # it knows what was heard of late, whatever the settings become
        handler.addFilter(LibraryRecords())
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logger = logging.getLogger("sidecar")
    logger.setLevel(config.level.upper())
    return logger


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
