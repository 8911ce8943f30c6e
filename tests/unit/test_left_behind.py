"""The guards of the tests themselves: processes that stay, and ports."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.demo.ports import FIRST_EPHEMERAL, MOST_HELD, free_port, is_free
from sidecar.demo.watcher import Watcher
from tests.left_behind import (
    children,
    command_line,
    command_lines,
    end,
    left_by_session,
    left_by_test,
    mark_session,
    started_by,
    stays,
)


@contextmanager
def sleeping(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that has begun to sleep; it ends with the block."""
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        try:
            deadline = time.monotonic() + 10
            while not command_line(process.pid):  # a moment passes until it is what it was started as
                assert time.monotonic() < deadline
            yield process
        finally:
            process.kill()


def test_a_process_that_a_test_leaves_is_known_by_the_test_and_ended() -> None:
    before = command_lines()
    with sleeping(os.environ) as process:
        assert left_by_test(before) == {process.pid: "sleep 60"}
        assert left_by_session()[process.pid] == f"{os.environ['PYTEST_CURRENT_TEST']}: sleep 60"
        end({process.pid})
        assert process.wait() != 0
    assert left_by_test(before) == {}


def test_a_process_of_before_or_of_a_fixture_is_not_the_tests_own() -> None:
    fixtures = os.environ | {"PYTEST_CURRENT_TEST": "a test (setup)"}
    before = command_lines()
    with sleeping(fixtures) as process:
        assert started_by(process.pid) == "a test (setup)"
        assert left_by_test(before) == {}
        assert left_by_session()[process.pid] == "a test (setup): sleep 60"
        end({process.pid})


def test_a_server_of_a_fixture_that_a_test_restarts_is_not_the_tests_own() -> None:
    with sleeping(os.environ | {"PYTEST_CURRENT_TEST": "another test (setup)"}):
        before = command_lines()
    with sleeping(os.environ) as restarted:
        assert left_by_test(before) == {}
        end({restarted.pid})


def test_a_grandchild_whose_parent_is_gone_is_found_at_the_end_of_the_session() -> None:
    shell = subprocess.run(
        ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    pid = int(shell.stdout)
    assert "sleep 60" in left_by_session()[pid]
    end({pid})
    assert pid not in stays(lambda: {each: line for each, line in left_by_session().items() if each == pid})


def test_a_watcher_which_ends_with_us_is_not_left(tmp_path: Path) -> None:
    before = command_lines()
    watcher = Watcher(0, signal.SIGKILL, tmp_path / "nothing")
    assert len(children() - before.keys()) == 1
    assert left_by_test(before) == {}
    watcher.dismiss()


def test_a_process_of_a_worker_is_one_of_the_whole_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_TESTS_OF", "1234567")
    mark_session()
    assert os.environ["SIDECAR_TESTS_OF"].split() == ["1234567", str(os.getpid())]


def test_ports_are_given_once_each_and_not_those_of_connections() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(10_000 <= port < FIRST_EPHEMERAL for port in ports)


def test_a_port_that_was_given_is_for_a_server_and_for_nobody_who_asks_for_one() -> None:
    port = free_port()
    assert not is_free(port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        pass


def test_of_the_ports_that_were_given_only_the_last_are_held() -> None:
    first = free_port()
    for _ in range(MOST_HELD):
        free_port()
    assert is_free(first)


def test_a_port_that_is_taken_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])
