"""In which form the log is written."""

import io
import json
import logging
from collections.abc import Iterator
from threading import Event

import pytest
from typing_extensions import override

from sidecar.runtime.config import LogConfig, LogFormat
from sidecar.runtime.library_log import records_repeated
from sidecar.runtime.log import configure_logging
from sidecar.runtime.queued_log import MOST_CHARACTERS, lines_dropped


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
    logging.getLogger().handlers[0].flush()
    line = stream.getvalue()
    assert line.startswith("{") is is_json
    if is_json:
        assert json.loads(line)["message"] == "It rains."
    else:
        assert line.endswith("WARNING It rains.\n")


class Blocked(io.StringIO):
    """A stream whose reader does not read until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.read_on = Event()

    @override
    def write(self, text: str) -> int:
        self.read_on.wait(20)
        return super().write(text)


def test_who_logs_never_waits_and_what_does_not_fit_is_counted_and_told() -> None:
    stream = Blocked()
    logger = configure_logging(LogConfig(format="console"), stream)
    for number in range(2 * MOST_CHARACTERS // 1000):
        logger.warning("%d %s", number, "x" * 1000)
    dropped = lines_dropped()
    assert MOST_CHARACTERS // 1000 - 100 < dropped < 2 * MOST_CHARACTERS // 1000
    stream.read_on.set()
    (handler,) = logging.getLogger().handlers
    handler.flush()
    handler.flush()
    *written, told = stream.getvalue().splitlines()
    assert len(written) + dropped == 2 * MOST_CHARACTERS // 1000
    assert f"WARNING {dropped} lines were not written" in told
    assert lines_dropped() == dropped


def test_a_stream_that_is_gone_costs_its_lines_and_nothing_else() -> None:
    stream = io.StringIO()
    logger = configure_logging(LogConfig(), stream)
    stream.close()
    logger.warning("lost")
    logging.getLogger().handlers[0].flush()
    assert lines_dropped() >= 1


def test_another_format_is_taken_by_the_thread_that_writes_already() -> None:
    stream = io.StringIO()
    configure_logging(LogConfig(format="console"), stream)
    before = logging.getLogger().handlers[:]
    configure_logging(LogConfig(format="json"), stream)
    assert logging.getLogger().handlers == before


def test_libraries_are_heard_once_a_minute_for_each_kind_and_without_what_peers_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("sidecar.runtime.library_log.monotonic", lambda: now[0])
    stream = io.StringIO()
    configure_logging(LogConfig(format="json"), stream)

    def fail(name: str, text: str) -> None:
        try:
            raise ValueError(text)
        except ValueError:
            logging.getLogger(name).exception("Error handling request from %s\nmore: %s", "10.0.0.1", text)

    for _ in range(100):
        fail("aiohttp.server", "Authorization: Bearer hunter2")
    fail("asyncio", "hunter2")
    now[0] += 61
    fail("aiohttp.server", "hunter2")
    logging.getLogger().handlers[0].flush()
    messages = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert [message.partition(" < fail ")[0] for message in messages] == [
        "Error handling request from 10.0.0.1; ValueError"
    ] * 3
    assert [message.endswith("99 more since the last line") for message in messages] == [False, False, True]
    assert "hunter2" not in stream.getvalue()
    assert records_repeated() == 99
