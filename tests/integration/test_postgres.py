"""The Postgres runner on Postgres 15 and 18: values as the server's own views say them."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.demo.servers import PostgresServer
from tests.integration.targets import scraping_postgres

pytestmark = pytest.mark.integration


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection."""
    connection = await asyncpg.connect(postgres.dsn)
    yield connection
    await connection.close()


async def test_every_collector_of_the_preset_succeeds(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    version = int(await sql.fetchval("SHOW server_version_num"))
    config = PostgresConfig.model_validate({"dsn": postgres.dsn})
    by_default = [view.for_target(config) for view in POSTGRES_VIEWS if Preset.BASIC.has(view.preset)]
    expected = {view.name for view in by_default if view.sql_for(version)}
    assert {dict(labels)["collector"] for labels in samples["pg_scrape_collector_success"]} == expected
    assert (samples["pg_up"], samples["pg_exporter_last_scrape_error"]) == ({(): 1.0}, {(): 0.0})
    assert target.batches[0].up is True
    assert target.pages.duplicates == 0


async def test_databases_have_their_size_limit_and_counters(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE DATABASE limited CONNECTION LIMIT 7")
    try:
        with scraping_postgres(postgres.dsn) as target:
            samples = await target.scrape()
        rows = await sql.fetch("SELECT datid, datname, xact_commit FROM pg_stat_database WHERE datname IS NOT NULL")
        size = await sql.fetchval("SELECT pg_database_size('limited')")
    finally:
        await sql.execute("DROP DATABASE limited")
    assert samples["pg_database_connection_limit"][("datname", "limited"),] == 7
    assert samples["pg_database_size_bytes"][("datname", "limited"),] == size
    commits = samples["pg_stat_database_xact_commit"]
    assert {dict(labels)["datname"] for labels in commits} == {row["datname"] for row in rows}
    quiet = next(row for row in rows if row["datname"] == "template0")
    assert commits[("datid", str(quiet["datid"])), ("datname", "template0")] == quiet["xact_commit"]
    assert "pg_stat_database_active_time_seconds_total" in samples


async def test_sessions_are_counted_by_state(postgres: PostgresServer, sql: Any) -> None:
    idle = await asyncpg.connect(postgres.dsn, server_settings={"application_name": "shop"})
    try:
        await idle.execute("BEGIN")
        with scraping_postgres(postgres.dsn) as target:
            samples = await target.scrape()
    finally:
        await idle.close()
    counts = samples["pg_stat_activity_count"]
    in_transaction = {
        labels: value for labels, value in counts.items() if ("state", "idle in transaction") in labels and value
    }
    ((labels, value),) = in_transaction.items()
    assert value == 1
    assert dict(labels)["application_name"] == "shop"
    assert samples["pg_stat_activity_max_tx_duration"][labels] > 0
    assert (("datname", "template0"), ("state", "active")) in counts


async def test_locks_are_counted_by_mode(postgres: PostgresServer, sql: Any) -> None:
    async with sql.transaction():
        await sql.execute("CREATE TABLE locked_here ()")
        await sql.execute("LOCK TABLE locked_here IN SHARE ROW EXCLUSIVE MODE")
        with scraping_postgres(postgres.dsn) as target:
            samples = await target.scrape()
        await sql.execute("DROP TABLE locked_here")
    locks = samples["pg_locks_count"]
    assert locks[("datname", "postgres"), ("mode", "sharerowexclusivelock")] == 1
    assert locks[("datname", "template0"), ("mode", "sharerowexclusivelock")] == 0


async def test_settings_equal_those_of_the_server(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    buffers = await sql.fetchval("SELECT pg_size_bytes(current_setting('shared_buffers'))")
    count = await sql.fetchval("SELECT count(*) FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real')")
    assert samples["pg_settings_shared_buffers_bytes"] == {(): buffers}
    assert samples["pg_settings_max_connections"] == {(): 100}
    assert samples["pg_settings_authentication_timeout_seconds"] == {(): 60}
    assert samples["pg_settings_fsync"] == {(): 0}
    assert sum(name.startswith("pg_settings_") for name in samples) == count


async def test_bgwriter_has_its_eleven_families_on_every_version(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CHECKPOINT")
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    new = sql.get_server_version().major >= 17
    column, view = ("num_requested", "pg_stat_checkpointer") if new else ("checkpoints_req", "pg_stat_bgwriter")
    requested = await sql.fetchval(f"SELECT {column} FROM {view}")
    assert samples["pg_stat_bgwriter_checkpoints_req_total"] == {(): requested}
    assert requested > 0
    assert sum(name.startswith("pg_stat_bgwriter_") for name in samples) == 11


async def test_primary_is_no_replica_and_has_no_lag(postgres: PostgresServer) -> None:
    with scraping_postgres(postgres.dsn) as target:
        samples = await target.scrape()
    assert samples["pg_replication_is_replica"] == samples["pg_replication_lag_seconds"] == {(): 0}
    ((static, _),) = samples["pg_static"].items()
    assert dict(static)["server"] == f"{postgres.host}:{postgres.port}"
    assert dict(static)["version"].startswith(f"PostgreSQL {dict(static)['short_version'].rsplit('.', 1)[0]}")


async def test_connection_has_limits_a_name_and_cannot_write(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn, timeout_seconds=3) as target:
        await target.scrape()
        connection = target.runner._session._connection  # type: ignore[attr-defined] # the runner of Postgres has one
        settings = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("CREATE TABLE x ()")
        names = await sql.fetch("SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'sidecar/%'")
    assert settings == {
        "statement_timeout": "750ms",
        "lock_timeout": "300ms",
        "idle_in_transaction_session_timeout": "9s",
    }
    assert len(names) == 1


@pytest.mark.parametrize("granted", [False, True])
async def test_plain_role_is_warned_about_and_sees_the_same_number_of_sessions(
    postgres: PostgresServer, sql: Any, granted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute("CREATE ROLE \"plain user\" LOGIN PASSWORD 'c4nary'")
    await sql.execute("CREATE DATABASE closed")
    await sql.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    try:
        if granted:
            await sql.execute('GRANT pg_monitor TO "plain user"')
        with scraping_postgres(postgres.dsn_of("plain%20user", "c4nary")) as target:
            samples = await target.scrape()
            await target.scrape()
        sessions = sum(samples["pg_stat_activity_count"].values())
    finally:
        await sql.execute("DROP DATABASE closed")
        await sql.execute('DROP ROLE "plain user"')
    assert samples["sidecar_pg_permission_ok"] == {(): float(granted)}
    assert sessions == 2
    assert caplog.text.count('GRANT pg_monitor TO "plain user";') == (0 if granted else 1)
    assert (0 in samples["pg_stat_activity_count"].values()) is granted
    assert ((("datname", "closed"),) in samples["pg_database_size_bytes"]) is granted
