"""How severe a log record is: by its number, and where that is not set by its text."""

import re
from collections.abc import Mapping
from typing import Protocol

SEVERITIES = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
"""OTLP's ranges of severity numbers: 0, and then four numbers each."""
_ERRORS = ("error", "fatal", "unspecified")
_TEXT_BYTES = 32
_NAMES: Mapping[bytes, str] = {
    **{name.encode(): name for name in SEVERITIES[1:]},
    **dict.fromkeys((b"verbose", b"finest", b"finer", b"trc"), "trace"),
    **dict.fromkeys((b"fine", b"dbg"), "debug"),
    **dict.fromkeys((b"information", b"informational", b"notice", b"inf"), "info"),
    **dict.fromkeys((b"warning", b"wrn"), "warn"),
    **dict.fromkeys((b"err", b"severe"), "error"),
    **dict.fromkeys((b"critical", b"crit", b"alert", b"emergency", b"emerg", b"panic"), "fatal"),
}
"""What log libraries call their levels."""
_WORD = re.compile(rb"[a-z]+")


class Severe(Protocol):
    """What is read of a log record."""

    @property
    def severity_number(self) -> int: ...  # noqa: D102 - the fields are those of OTLP's LogRecord
    @property
    def severity_text(self) -> bytes: ...  # noqa: D102


def severity_of(record: Severe) -> str:
    """Return one of SEVERITIES; a number outside of OTLP's is none."""
    number = record.severity_number
    if 0 < number <= 4 * (len(SEVERITIES) - 1):
        return SEVERITIES[(number + 3) // 4]
    text = record.severity_text
    word = _WORD.match(text[:_TEXT_BYTES].strip().lower()) if text else None
    return _NAMES.get(word[0], SEVERITIES[0]) if word else SEVERITIES[0]


def tells_of_an_error(record: Severe) -> bool:
    """Return whether an exception in `record` is an error: it is unless the record says that it is less."""
    return severity_of(record) in _ERRORS
