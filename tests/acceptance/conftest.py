"""Servers that the acceptance tests share: started once, on random loopback ports, gone at the end."""

from collections.abc import Iterator

import pytest

from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Postgres 18."""
    with PostgresServer(postgres_18_bin_dir()) as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """Valkey 9."""
    with ValkeyServer() as server:
        yield server
