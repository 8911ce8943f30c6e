"""Views of postgres_exporter on Postgres 15 and 18: the values that the server's own views say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from sidecar.demo.servers import PostgresServer
from sidecar.model.labels import Labels
from tests.integration.targets import scraping_postgres
from tests.integration.topologies.postgres_pair import SLOT, PostgresPair
from tests.servers import eventually

pytestmark = pytest.mark.integration

FULL = {"preset": "full"}
MONITOR_ONLY = ("pg_wal_", "pg_long_running_transactions", "pg_buffercache_summary_", "pg_stat_replication_")

# A receiver that has just begun anew stands at the start of a file, before what was replayed long ago.
RECEIVED = "SELECT (GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::int8"
VACUUM_SLOWLY = "SET vacuum_cost_delay = '100ms'; SET vacuum_cost_limit = 1"
AUTOVACUUM_SLOWLY = (
    "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1"
)
OLDEST_AUTOVACUUM = "SELECT min(xact_start) FROM pg_stat_activity WHERE query LIKE 'autovacuum: %.slow%'"
LETTERS = "SELECT i, repeat('x', 500) AS text FROM generate_series(1, 20000) i"


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection."""
    connection = await asyncpg.connect(postgres.dsn)
    yield connection
    await connection.close()


async def ask(server: PostgresServer, statement: str) -> Any:
    """Return the value of a statement that a superuser runs."""
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def role(server: PostgresServer, *grants: str) -> AsyncIterator[str]:
    """Yield the DSN of a role that is a member of `grants`."""
    await ask(server, "CREATE ROLE watcher LOGIN PASSWORD 'c4nary'")
    try:
        for grant in grants:
            await ask(server, f"GRANT {grant} TO watcher")
        yield server.dsn_of("watcher", "c4nary")
    finally:
        await ask(server, "DROP ROLE watcher")


def labels_in(samples: dict[str, dict[Labels, float]], name: str) -> list[dict[str, str]]:
    return [dict(labels) for labels in samples[name]]


async def test_roles_start_wraparound_and_conflicts(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    limits = {
        row["rolname"]: row["rolconnlimit"] for row in await sql.fetch("SELECT rolname, rolconnlimit FROM pg_roles")
    }
    assert {dict(labels)["rolname"]: value for labels, value in samples["pg_roles_connection_limit"].items()} == limits
    start = await sql.fetchval("SELECT pg_postmaster_start_time()")
    assert samples["pg_postmaster_start_time_seconds"] == {(): pytest.approx(start.timestamp())}
    ages = samples["pg_database_wraparound_age_datfrozenxid_seconds"]
    expected = await sql.fetchval("SELECT age(datfrozenxid) FROM pg_database WHERE datname = 'template1'")
    assert ages[("datname", "template1"),] == pytest.approx(expected, abs=5)
    assert (("datname", "template0"),) not in ages
    conflicts = labels_in(samples, "pg_stat_database_conflicts_confl_lock")
    assert {labels["server"] for labels in conflicts} == {f"{postgres.host}:{postgres.port}"}
    assert {labels["datname"] for labels in conflicts} >= {"postgres", "template0", "template1"}


async def test_wal_files_are_those_of_the_directory(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    files = await sql.fetch("SELECT size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'")
    assert samples["pg_wal_segments"] == {(): len(files)}
    assert samples["pg_wal_size_bytes"] == {(): sum(row["size"] for row in files)}


async def test_slot_holds_wal_back(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("SELECT pg_create_physical_replication_slot('holding', true)")
    try:
        with scraping_postgres(postgres.dsn) as target:
            samples = await target.scrape()
        held = await sql.fetchval("SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots")
        written = await sql.fetchval("SELECT pg_current_wal_lsn() - '0/0'")
    finally:
        await sql.execute("SELECT pg_drop_replication_slot('holding')")
    of_type = (("slot_name", "holding"), ("slot_type", "physical"))
    assert samples["pg_replication_slots_active"] == {(("slot_name", "holding"),): 0}
    assert 0 <= samples["pg_replication_slots_pg_wal_lsn_diff"][("slot_name", "holding"),] <= held
    assert 0 < samples["pg_replication_slots_slot_current_wal_lsn"][of_type] <= written
    assert samples["pg_replication_slots_wal_status"] == {(*of_type, ("wal_status", "reserved")): 1}
    assert "pg_replication_slots_slot_confirmed_flush_lsn" not in samples


async def test_transactions_of_others_are_counted_and_their_age_limit_is_kept(postgres: PostgresServer) -> None:
    other = await asyncpg.connect(postgres.dsn)
    async with other.transaction():
        await other.execute("SELECT pg_current_xact_id()")
        with scraping_postgres(postgres.dsn) as target:
            all_of_them = await target.scrape()
        with scraping_postgres(postgres.dsn, long_transaction_seconds=3600) as target:
            long_ones = await target.scrape()
    await other.close()
    assert all_of_them["pg_long_running_transactions"] == {(): 1}
    assert all_of_them["pg_long_running_transactions_oldest_timestamp_seconds"][()] > 0
    assert long_ones["pg_long_running_transactions"] == {(): 0}
    assert long_ones["pg_long_running_transactions_oldest_timestamp_seconds"] == {(): 0}


async def test_checkpointer_is_there_from_17_on(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    if sql.get_server_version().major < 17:
        assert not [name for name in samples if name.startswith("pg_stat_checkpointer")]
    else:
        timed = await sql.fetchval("SELECT num_timed FROM pg_stat_checkpointer")
        assert samples["pg_stat_checkpointer_num_timed_total"] == {(): timed}
        assert len([name for name in samples if name.startswith("pg_stat_checkpointer")]) == 9


async def test_buffer_cache_is_summed_up_by_the_extension_and_by_nothing_of_its_name(
    postgres_18: PostgresServer,
) -> None:
    sql = await asyncpg.connect(postgres_18.dsn)
    spoof = "RETURNS TABLE (buffers_used int, buffers_unused int, buffers_dirty int, buffers_pinned int, usagecount_avg"
    await sql.execute(
        f"CREATE FUNCTION pg_buffercache_summary() {spoof} float8) LANGUAGE sql AS 'SELECT 666, 6, 6, 6, 6.0'"
    )
    with scraping_postgres(postgres_18.dsn, views=FULL) as target:
        spoofed = await target.scrape()
        await sql.execute("DROP FUNCTION pg_buffercache_summary(); CREATE EXTENSION pg_buffercache")
        samples = await target.scrape()
    buffers = await sql.fetchval("SELECT setting::int FROM pg_settings WHERE name = 'shared_buffers'")
    await sql.execute("DROP EXTENSION pg_buffercache")
    await sql.close()
    assert "pg_buffercache_summary_buffers_used" not in spoofed
    used, unused = (samples[f"pg_buffercache_summary_buffers_{state}"][()] for state in ("used", "unused"))
    assert used + unused == buffers
    assert 0 < samples["pg_buffercache_summary_usagecount_avg"][()] <= 5


@pytest.mark.parametrize("same_database", [True, False])
async def test_vacuum_shows_how_far_it_is(postgres: PostgresServer, sql: Any, same_database: bool) -> None:
    await sql.execute(f"CREATE TABLE slow AS {LETTERS}")
    relid = await sql.fetchval("SELECT 'slow'::regclass::oid::text")
    await sql.execute("DELETE FROM slow WHERE i % 2 = 0")
    vacuuming = await asyncpg.connect(postgres.dsn)
    await vacuuming.execute(VACUUM_SLOWLY)

    async def vacuum() -> None:
        with suppress(asyncpg.QueryCanceledError):
            await vacuuming.execute("VACUUM slow")

    dsn = postgres.dsn if same_database else postgres.dsn_of("postgres", postgres.password, "template1")
    with scraping_postgres(dsn) as target:
        async with asyncio.TaskGroup() as group:
            group.create_task(vacuum())
            samples = await eventually(target.scrape, lambda samples: "pg_stat_progress_vacuum_phase" in samples)
            blocks = await sql.fetchval("SELECT heap_blks_total FROM pg_stat_progress_vacuum")
            await sql.execute("SELECT pg_cancel_backend($1::int)", vacuuming.get_server_pid())
    await vacuuming.close()
    await sql.execute("DROP TABLE slow")
    labels = (("datname", "postgres"), ("relname", "slow" if same_database else relid))
    assert samples["pg_stat_progress_vacuum_heap_blks"] == {labels: blocks}
    assert sum(samples["pg_stat_progress_vacuum_phase"].values()) == 1
    assert len(samples["pg_stat_progress_vacuum_phase"]) == 7
    assert 0 <= samples["pg_stat_progress_vacuum_num_dead_tuples"][labels] <= 20000
    old = sql.get_server_version().major < 17
    assert ("pg_stat_progress_vacuum_max_dead_tuples" in samples) is old


async def test_autovacuum_is_named_after_its_table() -> None:
    name, slow = "pg_stat_activity_autovacuum_timestamp_seconds", (("relname", "slow"),)
    with PostgresServer(settings={"autovacuum_naptime": "1s"}) as server:
        await ask(server, f"CREATE TABLE slow WITH ({AUTOVACUUM_SLOWLY}) AS {LETTERS}")
        await ask(server, "DELETE FROM slow WHERE i % 2 = 0")
        with scraping_postgres(server.dsn, views={"include": ["stat_activity_autovacuum"]}) as target:
            samples = await eventually(target.scrape, lambda samples: slow in samples.get(name, {}))
        started = await ask(server, OLDEST_AUTOVACUUM)
    assert samples[name][slow] == pytest.approx(started.timestamp())


async def test_primary_and_replica_see_each_other(postgres_pair: PostgresPair) -> None:
    with scraping_postgres(postgres_pair.primary.dsn) as target:
        primary = await target.scrape()
    with scraping_postgres(postgres_pair.standby.dsn, views=FULL) as target:
        replica = await target.scrape()
    (labels,) = labels_in(primary, "pg_stat_replication_pg_wal_lsn_diff")
    assert (labels["slot_name"], labels["state"]) == (SLOT, "streaming")
    assert labels["pid"].isdecimal()
    (written,) = primary["pg_stat_replication_pg_current_wal_lsn_bytes"].values()
    of_receiver = (("slot_name", SLOT), ("status", "streaming"), ("upstream_host", postgres_pair.primary.host))
    assert replica["pg_stat_wal_receiver_received_tli"] == {of_receiver: 1}
    assert 0 < replica["pg_stat_wal_receiver_flushed_lsn"][of_receiver]
    assert replica["pg_stat_wal_receiver_last_msg_receipt_time"][of_receiver] > 1.7e9
    assert written > 0
    assert primary["pg_replication_slots_slot_is_active"][("slot_name", SLOT), ("slot_type", "physical")] == 1
    assert "pg_stat_wal_receiver_flushed_lsn" not in primary


async def test_slot_on_a_replica_is_compared_with_what_the_replica_has(postgres_pair: PostgresPair) -> None:
    await ask(postgres_pair.standby, "SELECT pg_create_physical_replication_slot('next', true)")
    try:
        with scraping_postgres(postgres_pair.standby.dsn) as target:
            samples = await target.scrape()
    finally:
        await ask(postgres_pair.standby, "SELECT pg_drop_replication_slot('next')")
    received = await ask(postgres_pair.standby, RECEIVED)
    (position,) = samples["pg_replication_slots_slot_current_wal_lsn"].values()
    assert 0 < position <= received
    assert samples["pg_replication_slots_pg_wal_lsn_diff"][("slot_name", "next"),] >= 0


@pytest.mark.parametrize("granted", [True, False])
async def test_role_sees_what_it_may_and_nothing_is_made_up(postgres_pair: PostgresPair, granted: bool) -> None:
    server = postgres_pair.primary
    async with role(server, *(["pg_monitor"] if granted else [])) as dsn:
        with scraping_postgres(dsn, views=FULL) as target:
            samples = await target.scrape()
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    shown = {prefix for prefix in MONITOR_ONLY for name in samples if name.startswith(prefix)}
    # The extension for the buffers is not installed here.
    assert shown == (set(MONITOR_ONLY) - {"pg_buffercache_summary_"} if granted else set())
    assert {labels["slot_name"] for labels in labels_in(samples, "pg_replication_slots_active")} == {SLOT}


async def test_old_names_have_the_values_of_the_new_ones(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE TABLE aliased AS SELECT 1 AS value")
    try:
        with scraping_postgres(postgres.dsn, compat_aliases=True) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP TABLE aliased")
    assert samples["pg_stat_bgwriter_buffers_alloc"] == samples["pg_stat_bgwriter_buffers_alloc_total"]
    new = samples["pg_statio_user_tables_heap_blocks_read"]
    assert samples["pg_statio_user_tables_heap_blks_read"] == new != {}
    row = await sql.fetchrow("SELECT datid, session_time FROM pg_stat_database WHERE datname = 'template0'")
    labels = (("datid", str(row["datid"])), ("datname", "template0"))
    assert samples["pg_stat_database_session_time"][labels] == row["session_time"]
    assert samples["pg_stat_database_sessions_killed"][labels] == 0
