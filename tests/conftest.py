"""Fixtures of every test: where shared conformance data lies, and guards.

No test blocks the event loop, needs a port that somebody else may have, or leaves a process.
"""

import os
import socket
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck, settings

from sidecar.demo.ports import free_port
from tests.alone import alone_last, needs_to_be_alone, turn
from tests.left_behind import command_lines, end, left_by_session, left_by_test, mark_session, stays

ROOT = Path(__file__).parent.parent
DEFAULT_PORTS = (9464, 9465, 4317, 4318, 8080)
"""Where the sidecar and the demonstration listen unless told otherwise."""
LEFT = pytest.StashKey[dict[int, str]]()
"""Processes that were left running: by whom, and their command lines."""

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of shared conformance data; a test that needs it is skipped where it is absent."""
    data = Path(os.environ.get("SIDECAR_SHARED", ROOT.parent / "shared")) / "data"
    if not data.is_dir():
        pytest.skip(f"no shared data at {data}")
    return data


@pytest.fixture
def unused_tcp_port() -> int:
    """Return a port that no other worker is given: that of pytest-asyncio may be."""
    return free_port()


@pytest.fixture(scope="session", autouse=True)
def _grpc_stays() -> None:
    """Have gRPC's thread stay from test to test: ending it blocks the loop on which its last object is forgotten."""
    grpc.aio.init_grpc_aio()


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail a test that leaves a process of its own, and end that."""
    before = command_lines()
    yield
    left = stays(partial(left_by_test, before))
    end(left)
    assert not left, f"left running: {left}"


def pytest_configure(config: pytest.Config) -> None:
    """Have the default ports taken all along, as they are where a sidecar or a demonstration runs beside the tests."""
    config.stash[LEFT] = {}
    if is_worker(config):
        return  # they are held for all workers
    for port in DEFAULT_PORTS:
        holder = socket.socket()
        config.add_cleanup(holder.close)
        with suppress(OSError):  # taken as it is
            holder.bind(("127.0.0.1", port))


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is one of several that run the tests."""
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what must be alone for the end."""
    alone_last(items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that must be alone while the other workers wait; its time limit begins with it."""
    if not is_worker(item.config):
        return (yield)
    with turn(needs_to_be_alone(item)):
        return (yield)


def pytest_sessionstart() -> None:
    """Have what is left at the end be found."""
    mark_session()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker found; one that crashed has found nothing."""
    node.config.stash[LEFT].update(getattr(node, "workeroutput", {}).get("left", {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session if a process is left when every fixture has ended, and end that."""
    left = stays(left_by_session)
    end(left)
    session.config.stash[LEFT].update(left)
    if is_worker(session.config):
        session.config.workeroutput["left"] = left  # type: ignore[attr-defined] # is xdist's
    elif session.config.stash[LEFT]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was left."""
    if left := terminalreporter.config.stash[LEFT]:
        terminalreporter.section("left running", red=True)
        for pid, line in left.items():
            terminalreporter.line(f"{pid} of {line}")


@pytest.fixture(autouse=True)
def _no_blocking_calls_on_the_loop(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fail a test whose sidecar code blocks the event loop."""
    if request.node.get_closest_marker("integration"):
        yield None
        return
    with blockbuster_ctx("sidecar") as guard:
        yield guard
