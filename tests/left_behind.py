"""Processes that tests started and left running: a later test would fail for them, and nobody would know why."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from sidecar.demo.watcher import WATCHER

PROC = Path("/proc")
NAMES_THE_TEST = "PYTEST_CURRENT_TEST"
"""pytest's own variable: the test at work and its phase, inherited by every process that it starts."""
NAMES_THE_SESSION = "SIDECAR_TESTS_OF"
"""Ours: the ids of the session and, with several workers, of the one at work, inherited in the same way."""
CALL = " (call)"
"""The phase of the test itself; what is started in others belongs to a fixture, which may be shared by many tests."""


PATIENCE_SECONDS = 2.0
"""How long a process may take that was told to end and not waited for."""


def mark_session() -> None:
    """Have the processes of this session be known from those of other sessions; those of a worker are of both."""
    os.environ[NAMES_THE_SESSION] = f"{os.environ.get(NAMES_THE_SESSION, '')} {os.getpid()}"


def children() -> set[int]:
    """Return the ids of our child processes; few files to read, so that every test can ask."""
    found: set[int] = set()
    for thread in (PROC / "self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found |= {int(word) for word in (thread / "children").read_text().split()}
    return found


def left_by_test(before: Mapping[int, str]) -> dict[int, str]:
    """Return the command lines of the living processes, by id, that the test that ends now started in its own body.

    `before` are those of the children before the test: a server of a fixture that it restarts is not its own.
    """
    test = os.environ.get(NAMES_THE_TEST, "").rpartition(" (")[0] + CALL
    now = command_lines()
    restarted = {line for pid, line in before.items() if pid not in now}
    return {
        pid: line
        for pid, line in now.items()
        if pid not in before and line and line not in restarted and started_by(pid) == test
    }


def command_lines() -> dict[int, str]:
    """Return the command lines of our child processes by id."""
    return {pid: command_line(pid) for pid in children()}


def left_by_session() -> dict[int, str]:
    """Return what still runs of this session, by id: the test that started it, and the command line."""
    pids = {int(path.name) for path in PROC.iterdir() if path.name.isdigit()} - {os.getpid()}
    ours = children() | {pid for pid in pids if str(os.getpid()) in _variable(pid, NAMES_THE_SESSION).split()}
    return {pid: f"{started_by(pid) or 'a test'}: {line}" for pid in ours if (line := command_line(pid))}


def stays(ask: Callable[[], dict[int, str]]) -> dict[int, str]:
    """Return what `ask` tells of processes, once those that have been told to end have had the time for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := ask()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def end(pids: set[int] | dict[int, str]) -> None:
    """Kill processes, those that have ended by now excepted."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def command_line(pid: int) -> str:
    """Return the command line of a living process that does not end with us by itself, as a watcher does; else nothing.

    Those that only wait to be read have none.
    """
    try:
        line = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
    return "" if WATCHER in line else line


def started_by(pid: int) -> str:
    """Return the test and its phase in which the process was started; empty if it has written over its environment."""
    return _variable(pid, NAMES_THE_TEST)


def _variable(pid: int, name: str) -> str:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ""
    start = f"{name}=".encode()
    found = [entry for entry in environment.split(b"\0") if entry.startswith(start)]
    return found[0][len(start) :].decode(errors="replace") if found else ""
