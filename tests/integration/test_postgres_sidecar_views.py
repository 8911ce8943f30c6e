"""Views that no exporter has, on real servers: what they say while sessions block, wait, hold and follow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.demo.servers import PostgresServer
from sidecar.model.labels import Labels
from tests.integration.targets import Scraped, scraping_postgres
from tests.integration.topologies.postgres_pair import PostgresPair
from tests.servers import eventually

pytestmark = pytest.mark.integration

VIEWS = ("blocking", "waits", "connections", "xmin_horizon", "replication_delay", "wal_receiver", "stat_wal", "stat_io")
OURS = [view for view in POSTGRES_VIEWS if view.name in VIEWS]
HERE = (("datname", "postgres"),)

Samples = dict[str, dict[Labels, float]]


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection."""
    connection = await asyncpg.connect(postgres.dsn)
    yield connection
    await connection.close()


@asynccontextmanager
async def in_the_background(connection: Any, statement: str) -> AsyncIterator[None]:
    """Run `statement`, which waits, until the block ends."""

    async def run() -> None:
        with suppress(asyncpg.PostgresError):
            await connection.execute(statement)

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        yield
        connection.terminate()


async def waiting(sql: Any, sessions: int) -> None:
    """Return once so many sessions wait for a lock."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    await eventually(lambda: sql.fetchval(count), lambda found: found == sessions)


async def test_three_sessions_that_block_each_other(postgres: PostgresServer, sql: Any) -> None:
    async with AsyncExitStack() as stack:
        first, second, third = [await asyncpg.connect(postgres.dsn) for _ in range(3)]
        await sql.execute("CREATE TABLE IF NOT EXISTS fought_for ()")
        await first.execute("BEGIN; LOCK TABLE fought_for")
        await stack.enter_async_context(in_the_background(second, "BEGIN; LOCK TABLE fought_for; COMMIT"))
        await waiting(sql, 1)
        await stack.enter_async_context(in_the_background(third, "SELECT FROM fought_for"))
        await waiting(sql, 2)
        with scraping_postgres(postgres.dsn, OURS) as target:
            samples = await target.scrape()
        first.terminate()
    assert samples["sidecar_pg_blocked_sessions"][HERE] == 2
    assert samples["sidecar_pg_root_blockers"][HERE] == 1
    assert samples["sidecar_pg_blocking_chain_sessions"][HERE] == 2
    assert 0 < samples["sidecar_pg_blocked_longest_seconds"][HERE] < 60
    assert samples["sidecar_pg_blocked_sessions"][("datname", "template1"),] == 0
    assert samples["sidecar_pg_active_sessions"][("wait_event_type", "Lock"),] == 2
    event = (("wait_event", "relation"), ("wait_event_type", "Lock"))
    assert samples["sidecar_pg_wait_event_sessions"][event] == 2


async def test_nobody_is_asked_for_blockers_when_nobody_waits(postgres: PostgresServer, sql: Any) -> None:
    view = next(view for view in OURS if view.name == "blocking")
    statement = view.sql_for(int(await sql.fetchval("SHOW server_version_num")))
    plan = "\n".join(row[0] for row in await sql.fetch(f"EXPLAIN (ANALYZE, COSTS off, VERBOSE) {statement}"))
    locks = next(line for line in plan.splitlines() if "pg_lock_status" in line)
    assert "never executed" in locks


async def test_open_transaction_holds_the_horizon(postgres: PostgresServer, sql: Any) -> None:
    holder = await asyncpg.connect(postgres.dsn)
    try:
        await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
        for _ in range(20):
            await sql.execute("SELECT txid_current()")
        with scraping_postgres(postgres.dsn, OURS) as target:
            samples = await target.scrape()
    finally:
        await holder.close()
    ages = samples["sidecar_pg_xmin_age_transactions"]
    assert ages[("holder", "transaction"),] >= 20
    others = ("standby", "prepared_transaction", "slot", "slot_catalog")
    assert {ages[("holder", name),] for name in others} == {0}


async def test_connections_are_counted_against_what_is_not_reserved(postgres: PostgresServer, sql: Any) -> None:
    idle = await asyncpg.connect(postgres.dsn)
    with scraping_postgres(postgres.dsn, OURS) as target:
        samples = await target.scrape()
    await idle.close()
    assert samples["sidecar_pg_connections_limit"] == {(): 97}
    assert samples["sidecar_pg_connections_reserved"] == {(): 3}
    assert samples["sidecar_pg_connections_used"] == {(): 3}
    assert samples["sidecar_pg_connections_used_ratio"] == {(): pytest.approx(3 / 97)}


async def test_wal_and_io_are_those_of_the_server(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE TABLE written AS SELECT generate_series(1, 10000); DROP TABLE written; CHECKPOINT")
    with scraping_postgres(postgres.dsn, OURS) as target:
        samples = await target.scrape()
    assert 0 < samples["sidecar_pg_wal_records_total"][()] <= await sql.fetchval("SELECT wal_records FROM pg_stat_wal")
    assert samples["sidecar_pg_wal_bytes_total"][()] > 100_000
    assert samples["sidecar_pg_wal_writes_total"][()] > 0
    assert "sidecar_pg_wal_write_seconds_total" not in samples
    assert ("sidecar_pg_io_hits_total" in samples) is (sql.get_server_version().major >= 16)


async def test_plain_role_sees_limits_and_no_made_up_zeros(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE ROLE blind LOGIN PASSWORD 'c4nary'")
    try:
        with scraping_postgres(postgres.dsn_of("blind", "c4nary"), OURS) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP ROLE blind")
    assert set(samples["pg_scrape_collector_success"].values()) == {1}
    unknown = ("blocked_sessions", "active_sessions", "connections_used", "replication_write_lag_seconds")
    assert not {f"sidecar_pg_{name}" for name in unknown} & samples.keys()
    assert samples["sidecar_pg_connections_limit"] == {(): 97}
    assert {dict(labels)["holder"] for labels in samples["sidecar_pg_xmin_age_transactions"]} == {
        "prepared_transaction",
        "slot",
        "slot_catalog",
    }


def _has_delays(samples: Samples) -> bool:
    """Whether the replica has reported all three; a new one has not at once."""
    names = ("write", "flush", "replay")
    return all(f"sidecar_pg_replication_{name}_lag_seconds" in samples for name in names)


async def test_primary_knows_how_far_its_replica_is_behind(postgres_pair: PostgresPair) -> None:
    with scraping_postgres(postgres_pair.primary.dsn, OURS) as target:
        samples = await eventually(target.scrape, _has_delays)
    ((labels, delay),) = samples["sidecar_pg_replication_replay_lag_seconds"].items()
    assert dict(labels) == {"application_name": "walreceiver", "client_addr": "127.0.0.1", "slot_name": "standby"}
    assert 0 <= delay < 30
    assert "sidecar_pg_wal_receiver_up" not in samples


async def test_replica_knows_that_it_is_cut_off(postgres_pair: PostgresPair) -> None:
    with scraping_postgres(postgres_pair.standby.dsn, OURS) as target:
        samples = await target.scrape()
        assert samples["sidecar_pg_wal_receiver_up"] == {(): 1}
        assert samples["sidecar_pg_wal_receiver_state"] == {(("state", "streaming"),): 1}
        assert "sidecar_pg_replication_replay_lag_seconds" not in samples
        await _silence_shows(target, postgres_pair)
        postgres_pair.link.cut()
        await eventually(target.scrape, lambda samples: samples["sidecar_pg_wal_receiver_up"] == {(): 0})
        postgres_pair.link.restore()
        await eventually(target.scrape, lambda samples: "sidecar_pg_wal_receiver_state" in samples)


async def _silence_shows(target: Scraped, pair: PostgresPair) -> None:
    """See the age of the last message grow while the line loses all of them and the receiver does not notice."""
    name = "sidecar_pg_wal_receiver_last_message_age_seconds"
    pair.link.freeze()
    before = (await target.scrape())[name][()]
    samples = await eventually(target.scrape, lambda samples: samples[name][()] > before + 0.2)
    assert samples["sidecar_pg_wal_receiver_up"] == {(): 1}
