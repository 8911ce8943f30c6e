"""Each topology is what it says: whoever tests against it can rely on that."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.exporters import PostgresExporter, RedisExporter
from tests.fakes import until
from tests.integration.topologies.pgbouncer import PgBouncer
from tests.integration.topologies.postgres_pair import PostgresPair
from tests.integration.topologies.redis_cluster import RedisCluster
from tests.integration.topologies.redis_pair import RedisPair, info
from tests.integration.topologies.sentinel import SentinelTrio
from tests.integration.topologies.tls import Authority, TlsPostgres, TlsRedis
from tests.integration.topologies.topology import ask_postgres, wait_until

pytestmark = pytest.mark.integration

RECEIVER = "SELECT status FROM pg_stat_wal_receiver"


def test_replica_streams_through_its_slot_and_loses_its_receiver_with_the_link(postgres_pair: PostgresPair) -> None:
    primary, standby = postgres_pair.primary.dsn, postgres_pair.standby.dsn
    assert ask_postgres(standby, RECEIVER) == "streaming"
    assert ask_postgres(primary, "SELECT slot_name FROM pg_replication_slots WHERE active") == "standby"
    ask_postgres(primary, "CREATE TABLE IF NOT EXISTS replayed (id int)")
    wait_until(lambda: ask_postgres(standby, "SELECT to_regclass('replayed')") is not None)

    postgres_pair.link.cut()
    wait_until(lambda: ask_postgres(standby, RECEIVER) is None)
    assert ask_postgres(standby, "SELECT pg_is_in_recovery()")
    postgres_pair.link.restore()
    wait_until(postgres_pair.is_streaming)


def test_a_frozen_link_keeps_the_receiver_and_holds_back_what_was_written(postgres_pair: PostgresPair) -> None:
    postgres_pair.link.freeze()
    ask_postgres(postgres_pair.primary.dsn, "CREATE TABLE IF NOT EXISTS held_back (id int)")
    assert ask_postgres(postgres_pair.standby.dsn, "SELECT to_regclass('held_back')") is None
    assert ask_postgres(postgres_pair.standby.dsn, RECEIVER) == "streaming"
    postgres_pair.link.restore()
    wait_until(lambda: ask_postgres(postgres_pair.standby.dsn, "SELECT to_regclass('held_back')") is not None)


async def test_pgbouncer_moves_a_client_to_another_backend_only_in_transaction_mode(pgbouncer: PgBouncer) -> None:
    one, other = [await asyncpg.connect(pgbouncer.dsn, statement_cache_size=0) for _ in range(2)]
    backend = "SELECT pg_backend_pid()"
    before = await one.fetchval(backend)
    async with other.transaction():
        taken = await other.fetchval(backend)
        after = await one.fetchval(backend)
    await one.close()
    await other.close()
    assert (taken == before, after == before) == (
        (True, False) if pgbouncer.pool_mode == "transaction" else (False, True)
    )


async def test_pgbouncer_refuses_start_up_parameters_that_it_does_not_know(pgbouncer_session: PgBouncer) -> None:
    with pytest.raises(asyncpg.PostgresError, match="unsupported startup parameter"):
        await asyncpg.connect(pgbouncer_session.dsn, server_settings={"statement_timeout": "1s"})


def test_redis_replica_follows_until_the_link_is_cut(redis_pair: RedisPair) -> None:
    assert info(redis_pair.primary, "replication")["slave0"]["port"] == redis_pair.replica.port
    redis_pair.link.cut()
    wait_until(lambda: not redis_pair.is_linked())
    assert info(redis_pair.replica, "replication")["role"] == "slave"
    redis_pair.link.restore()
    wait_until(redis_pair.is_linked)


def test_each_sentinel_sees_the_primary_its_replica_and_the_other_two(sentinels: SentinelTrio) -> None:
    for sentinel in sentinels.sentinels:
        (primary,) = sentinel.masters()
        assert (primary["name"], primary["port"], primary["quorum"]) == ("main", sentinels.primary.port, 2)
        assert info(sentinel, "sentinel")["master0"] == {
            "name": "main",
            "status": "ok",
            "address": f"127.0.0.1:{sentinels.primary.port}",
            "slaves": 1,
            "sentinels": 3,
        }


def test_each_cluster_node_serves_its_third_of_the_slots(redis_cluster: RedisCluster) -> None:
    for node in redis_cluster.nodes:
        state = node.cluster("INFO")
        assert (state["cluster_state"], state["cluster_slots_ok"], state["cluster_size"]) == ("ok", "16384", "3")
        assert info(node, "cluster") == {"cluster_enabled": 1}
    with Redis.from_url(redis_cluster.nodes[0].url) as client, pytest.raises(MovedError) as moved:
        client.get("foo")
    assert (moved.value.slot_id, moved.value.port) == (12182, redis_cluster.nodes[2].port)


async def nothing_is_open() -> None:
    """Wait until the loop watches nothing but its own wake-up: a refused connection over TLS is closed rounds later."""
    loop: Any = asyncio.get_running_loop()
    await until(lambda: len(loop._selector.get_map()) <= 1)


async def test_postgres_over_tls_is_refused_without_tls_and_with_an_unknown_authority(
    tls_postgres: TlsPostgres, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(tls_postgres.verified_dsn)
    assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await connection.close()
    with pytest.raises(asyncpg.PostgresError, match="no encryption"):
        await asyncpg.connect(f"{tls_postgres.dsn}?sslmode=disable")
    stranger = await asyncio.to_thread(Authority, tmp_path)
    with pytest.raises(OSError, match="certificate verify failed"):
        await asyncpg.connect(f"{tls_postgres.dsn}?sslmode=verify-full&sslrootcert={stranger.ca}")
    await nothing_is_open()


async def test_postgres_that_asks_for_client_certificates_refuses_whoever_has_none(
    tls_postgres_with_client_certificates: TlsPostgres, authority: Authority
) -> None:
    server = tls_postgres_with_client_certificates
    connection = await asyncpg.connect(server.verified_dsn)
    await connection.close()
    with pytest.raises(asyncpg.PostgresError, match="valid client certificate"):
        await asyncpg.connect(f"{server.dsn}?sslmode=verify-full&sslrootcert={authority.ca}")
    await nothing_is_open()


def test_redis_over_tls_is_refused_without_the_authority_or_a_certificate(
    tls_redis: TlsRedis, authority: Authority
) -> None:
    certificate = {"ssl_certfile": str(authority.client), "ssl_keyfile": str(authority.client_key)}
    with Redis.from_url(tls_redis.tls_url, ssl_ca_certs=str(authority.ca), **certificate) as client:
        assert client.ping()
    for wrong in (certificate, {"ssl_ca_certs": str(authority.ca)}):
        with Redis.from_url(tls_redis.tls_url, **wrong) as client, pytest.raises(RedisConnectionError):
            client.ping()


async def test_both_exporters_tell_that_their_target_is_up(
    postgres_15: PostgresServer, redis_7: ValkeyServer, tmp_path: Path
) -> None:
    for exporter, up in (
        (PostgresExporter(tmp_path, postgres_15.dsn), "pg_up 1"),
        (RedisExporter(tmp_path, redis_7.url), "redis_up 1"),
    ):
        await asyncio.to_thread(exporter.start)
        try:
            assert up in (await exporter.scrape()).splitlines()
        finally:
            await asyncio.to_thread(exporter.stop)
