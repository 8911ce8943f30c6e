"""How severe log records are."""

from types import SimpleNamespace

import pytest

from sidecar.codec.otlp.severity import severity_of, tells_of_an_error


@pytest.mark.parametrize(
    ("number", "text", "expected", "is_error"),
    [
        (1, b"", "trace", False),
        (4, b"", "trace", False),
        (9, b"ERROR", "info", False),
        (16, b"", "warn", False),
        (17, b"info", "error", True),
        (24, b"", "fatal", True),
        (0, b"", "unspecified", True),
        (25, b"", "unspecified", True),
        (-3, b"INFO", "info", False),
        (0, b"INFO", "info", False),
        (0, b" Warning ", "warn", False),
        (0, b"Error", "error", True),
        (0, b"CRITICAL", "fatal", True),
        (0, b"DEBUG3", "debug", False),
        (0, b"\xff\xfe", "unspecified", True),
        (0, b"x" * 10_000, "unspecified", True),
    ],
)
def test_the_number_counts_and_else_the_text(number: int, text: bytes, expected: str, is_error: bool) -> None:
    record = SimpleNamespace(severity_number=number, severity_text=text)
    assert (severity_of(record), tells_of_an_error(record)) == (expected, is_error)
