"""Receivers for each test."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc.aio
import pytest

from tests.unit.receive.served import serving


@pytest.fixture(scope="session", autouse=True)
def _grpc_stays() -> Iterator[None]:
    """Keep gRPC's thread from test to test: ending it blocks the loop on which the last server is forgotten."""
    grpc.aio.init_grpc_aio()
    yield
    grpc.aio.shutdown_grpc_aio()


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Return a function that starts receivers with these settings."""
    async with serving() as start:
        yield start
