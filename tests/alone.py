"""Tests that bear nothing beside them: where several workers run, such a test waits until no other one does.

`@pytest.mark.alone("reason")` marks them: what measures time or memory, or waits for the real clock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

GATE = Path(__file__)
"""Locked by whoever comes next, so that those who follow do not keep one waiting for ever who must be alone."""
FIELD = GATE.parent
"""Locked by those who run: shared, or by one who is alone."""


def needs_to_be_alone(test: pytest.Item) -> bool:
    """Return whether the test is marked; a mark without its reason is an error."""
    mark = test.get_closest_marker("alone")
    if mark is not None and not mark.args:
        raise pytest.UsageError(f"{test.nodeid} is marked alone without a reason")
    return mark is not None


def alone_last(tests: list[pytest.Item]) -> None:
    """Put the files that hold such tests at the end, so that the workers wait for each other then and not all along."""
    files = {test.path for test in tests if needs_to_be_alone(test)}
    tests.sort(key=lambda test: test.path in files)


@contextmanager
def turn(alone: bool) -> Iterator[None]:
    """Wait until this test may run beside those of the other workers, and hold off those that may not."""
    with _locked(GATE, fcntl.LOCK_EX):
        field = _lock(FIELD, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    try:
        yield
    finally:
        _unlock(field)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = _lock(path, how)
    try:
        yield
    finally:
        _unlock(descriptor)


def _lock(path: Path, how: int) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough: a forked child may have the same
    os.close(descriptor)
