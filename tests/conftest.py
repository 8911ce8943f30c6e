"""Fixtures of every test: where shared conformance data lies, and guards.

No test blocks the event loop, needs a port that somebody else may have, or leaves a process.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import grpc
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests.left_behind import command_lines, end, left_by_session, left_by_test, mark_session, stays

ROOT = Path(__file__).parent.parent
DEFAULT_PORTS = (9464, 9465, 4317, 4318, 8080)
"""Where the sidecar and the demonstration listen unless told otherwise."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of shared conformance data; a test that needs it is skipped where it is absent."""
    data = Path(os.environ.get("SIDECAR_SHARED", ROOT.parent / "shared")) / "data"
    if not data.is_dir():
        pytest.skip(f"no shared data at {data}")
    return data


@pytest.fixture(scope="session", autouse=True)
def _grpc_stays() -> None:
    """Have gRPC's thread stay from test to test: ending it blocks the loop on which its last object is forgotten."""
    grpc.aio.init_grpc_aio()


@pytest.fixture(scope="session", autouse=True)
def _default_ports_are_taken() -> Iterator[None]:
    """Have the default ports taken all along, as they are where a sidecar or a demonstration runs beside the tests."""
    with ExitStack() as stack:
        for port in DEFAULT_PORTS:
            holder = stack.enter_context(socket.socket())
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue  # taken as it is
        yield


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail a test that leaves a process of its own, and end that."""
    before = command_lines()
    yield
    left = stays(partial(left_by_test, before))
    end(left)
    assert not left, f"left running: {left}"


def pytest_sessionstart() -> None:
    """Have what is left at the end be found."""
    mark_session()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session if a process is left when every fixture has ended, and end that."""
    if left := stays(left_by_session):
        end(left)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for pid, line in left.items():
            sys.stderr.write(f"left running: {pid} of {line}\n")


@pytest.fixture(autouse=True)
def _no_blocking_calls_on_the_loop(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fail a test whose sidecar code blocks the event loop."""
    if request.node.get_closest_marker("integration"):
        yield None
        return
    with blockbuster_ctx("sidecar") as guard:
        yield guard
