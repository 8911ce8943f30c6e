"""Tests that must be alone wait for the others, and the others for them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.alone import alone_last, turn

PATIENCE_SECONDS = 10


@pytest.fixture(autouse=True)
def _locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the locks of this very run out of it."""
    (tmp_path / "gate").touch()
    monkeypatch.setattr("tests.alone.GATE", tmp_path / "gate")
    monkeypatch.setattr("tests.alone.FIELD", tmp_path)


@pytest.fixture
def begin() -> Iterator[Callable[[bool], threading.Event]]:
    """Return a function that begins a test elsewhere; what it returns is set once that runs. It ends with the test."""
    end = threading.Event()
    threads: list[threading.Thread] = []

    def begin(alone: bool) -> threading.Event:
        runs = threading.Event()

        def run() -> None:
            with turn(alone):
                runs.set()
                end.wait(PATIENCE_SECONDS)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return runs

    yield begin
    end.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_others_run_beside_each_other(begin: Callable[[bool], threading.Event]) -> None:
    with turn(alone=False):
        assert begin(False).wait(PATIENCE_SECONDS)


def test_one_that_must_be_alone_waits_for_the_others(begin: Callable[[bool], threading.Event]) -> None:
    with turn(alone=False):
        runs = begin(True)
        assert not runs.wait(0.05)
    assert runs.wait(PATIENCE_SECONDS)


def test_the_others_wait_for_one_that_must_be_alone(begin: Callable[[bool], threading.Event]) -> None:
    with turn(alone=True):
        runs = begin(False)
        assert not runs.wait(0.05)
    assert runs.wait(PATIENCE_SECONDS)


def test_those_who_come_later_do_not_keep_it_waiting(begin: Callable[[bool], threading.Event]) -> None:
    with ExitStack() as stack:
        stack.enter_context(turn(alone=False))
        alone = begin(True)
        time.sleep(0.05)
        later = begin(False)
        assert not later.wait(0.05)
        stack.close()
        assert alone.wait(PATIENCE_SECONDS)
        assert not later.is_set()


def marked(path: str, *marks: pytest.Mark) -> Any:
    """A test as far as it matters here."""
    return SimpleNamespace(path=path, nodeid=path, get_closest_marker=lambda _: next(iter(marks), None))


def test_files_with_such_tests_come_last_and_whole() -> None:
    alone = pytest.mark.alone("it measures").mark
    tests = [marked("a"), marked("b"), marked("b", alone), marked("c"), marked("b")]
    alone_last(tests)
    assert [test.path for test in tests] == ["a", "c", "b", "b", "b"]


def test_a_mark_without_its_reason_is_an_error() -> None:
    with pytest.raises(pytest.UsageError, match="without a reason"):
        alone_last([marked("a", pytest.mark.alone().mark)])
