"""Receivers for each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc.aio
import pytest

from tests.unit.receive.served import serving


@pytest.fixture(scope="session", autouse=True)
def _grpc_stays() -> Iterator[None]:
    """Keep gRPC's thread from test to test: ending it blocks the loop on which the last server is forgotten."""

    async def on_a_loop(do: Callable[[], None]) -> None:
        do()

    with asyncio.Runner() as runner:
        runner.run(on_a_loop(grpc.aio.init_grpc_aio))
        yield
        runner.run(on_a_loop(grpc.aio.shutdown_grpc_aio))


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Return a function that starts receivers with these settings."""
    async with serving() as start:
        yield start
