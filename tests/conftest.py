"""Fixtures of every test: where shared conformance data lies, and a guard against blocking the event loop."""

import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

ROOT = Path(__file__).parent.parent


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


@pytest.fixture(autouse=True)
def _no_blocking_calls_on_the_loop(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fail a test whose sidecar code blocks the event loop."""
    if request.node.get_closest_marker("integration"):
        yield None
        return
    with blockbuster_ctx("sidecar") as guard:
        yield guard
