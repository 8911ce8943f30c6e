"""Each topology as a fixture: started once a session, its links whole again after every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.demo.binaries import postgres_18_bin_dir, valkey_binary
from sidecar.demo.servers import PostgresServer
from tests.integration.servers import debian_postgres_15, debian_redis
from tests.integration.topologies.pgbouncer import PgBouncer, PoolMode
from tests.integration.topologies.postgres_pair import PostgresPair
from tests.integration.topologies.redis_cluster import RedisCluster
from tests.integration.topologies.redis_pair import RedisPair
from tests.integration.topologies.sentinel import SentinelTrio
from tests.integration.topologies.tls import Authority, TlsPostgres, TlsRedis
from tests.integration.topologies.topology import wait_until


@pytest.fixture(scope="session", params=[18, 15], ids="postgres_{}".format)
def _postgres_pair(request: pytest.FixtureRequest) -> Iterator[PostgresPair]:
    with PostgresPair(postgres_18_bin_dir() if request.param == 18 else debian_postgres_15()) as pair:
        yield pair


@pytest.fixture
def postgres_pair(_postgres_pair: PostgresPair) -> Iterator[PostgresPair]:
    """A streaming replica pair of each Postgres in turn; its link may be cut and frozen."""
    yield _postgres_pair
    _postgres_pair.link.restore()
    wait_until(_postgres_pair.is_streaming)


@pytest.fixture(scope="session")
def pgbouncer_session(postgres_15: PostgresServer) -> Iterator[PgBouncer]:
    """PgBouncer in front of Postgres 15: a backend is the client's until it leaves."""
    yield from _pgbouncer(postgres_15, "session")


@pytest.fixture(scope="session")
def pgbouncer_transaction(postgres_15: PostgresServer) -> Iterator[PgBouncer]:
    """PgBouncer in front of Postgres 15: a backend is the client's until the transaction ends."""
    yield from _pgbouncer(postgres_15, "transaction")


def _pgbouncer(server: PostgresServer, pool_mode: PoolMode) -> Iterator[PgBouncer]:
    with PgBouncer(server, pool_mode) as pgbouncer:
        yield pgbouncer


@pytest.fixture(params=["pgbouncer_session", "pgbouncer_transaction"])
def pgbouncer(request: pytest.FixtureRequest) -> PgBouncer:
    """PgBouncer in each of its modes in turn."""
    server: PgBouncer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session", params=["redis_7", "valkey_9"])
def redis_binary(request: pytest.FixtureRequest) -> Path:
    """The server program of Redis and of Valkey in turn."""
    return debian_redis() if request.param == "redis_7" else valkey_binary()


@pytest.fixture(scope="session")
def _redis_pair(redis_binary: Path) -> Iterator[RedisPair]:
    with RedisPair(redis_binary) as pair:
        yield pair


@pytest.fixture
def redis_pair(_redis_pair: RedisPair) -> Iterator[RedisPair]:
    """A primary and its replica, of Redis and Valkey in turn; their link may be cut and frozen."""
    yield _redis_pair
    _redis_pair.link.restore()
    wait_until(_redis_pair.is_linked)


@pytest.fixture(scope="session")
def sentinels(redis_binary: Path) -> Iterator[SentinelTrio]:
    """Three Sentinels of a primary and its replica, of Redis and Valkey in turn."""
    with SentinelTrio(redis_binary) as trio:
        yield trio


@pytest.fixture(scope="session")
def redis_cluster(redis_binary: Path) -> Iterator[RedisCluster]:
    """A Cluster of three primaries, of Redis and Valkey in turn."""
    with RedisCluster(redis_binary) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that signed for the servers with TLS and for their client."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls_postgres(authority: Authority) -> Iterator[TlsPostgres]:
    """Postgres 15 that takes TLS only."""
    with TlsPostgres(debian_postgres_15(), authority) as server:
        yield server


@pytest.fixture(scope="session")
def tls_postgres_with_client_certificates(authority: Authority) -> Iterator[TlsPostgres]:
    """Postgres 15 that takes TLS only and asks for a client certificate."""
    with TlsPostgres(debian_postgres_15(), authority, client_certificates=True) as server:
        yield server


@pytest.fixture(scope="session")
def tls_redis(authority: Authority) -> Iterator[TlsRedis]:
    """Redis 7.0 whose TLS port asks for a client certificate."""
    with TlsRedis(debian_redis(), authority, client_certificates=True) as server:
        yield server
