"""In which form the log is written."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from typing_extensions import override

from sidecar.runtime.config import LogConfig, LogFormat
from sidecar.runtime.log import configure_logging


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("sidecar")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.mark.parametrize(
    ("format", "stream", "is_json"),
    [
        ("auto", Terminal(), False),
        ("auto", io.StringIO(), True),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_log_is_for_people_on_a_terminal_and_json_elsewhere(
    format: LogFormat, stream: io.StringIO, is_json: bool
) -> None:
    configure_logging(LogConfig(format=format), stream).warning("It rains.")
    line = stream.getvalue()
    assert line.startswith("{") is is_json
    if is_json:
        assert json.loads(line)["message"] == "It rains."
    else:
        assert line.endswith("WARNING It rains.\n")
