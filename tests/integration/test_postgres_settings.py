"""Settings of server, role or database, however odd, change nothing that is read."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import asyncpg
import pytest

from sidecar.demo.servers import PostgresServer
from tests.integration.targets import scraping_postgres
from tests.integration.topologies.pgbouncer import PgBouncer

pytestmark = pytest.mark.integration

ODD = {
    "standard_conforming_strings": "off",
    "escape_string_warning": "on",
    "backslash_quote": "off",
    "bytea_output": "escape",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Pacific/Chatham",
    "extra_float_digits": "-15",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "jit": "on",
    "jit_above_cost": "0",
    "search_path": "nowhere",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "50ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "client_min_messages": "debug5",
    "exit_on_error": "on",
    "xmloption": "document",
    "xmlbinary": "hex",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "enable_hashagg": "off",
    "enable_sort": "off",
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "enable_nestloop": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
    "geqo_threshold": "2",
    "plan_cache_mode": "force_generic_plan",
    "work_mem": "64kB",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "default_tablespace": "nowhere",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "client_encoding": "LATIN1",
    "application_name": "odd",
    "lc_messages": "C",
    "track_io_timing": "on",
}
NEWER = {
    "postgres_15": {
        "force_parallel_mode": "on",
        "idle_session_timeout": "200ms",
        "stats_fetch_consistency": "snapshot",
    },
    "postgres_18": {"debug_parallel_query": "on", "idle_session_timeout": "200ms", "transaction_timeout": "50ms"},
}

STEADY = (
    "pg_settings_",
    "pg_stat_user_tables_",
    "pg_statio_",
    "pg_database_",
    "pg_roles_",
    "pg_stat_database_xact",
    "pg_wal_",
)
"""What one scrape and the next show of a server that nothing happens on, but for values."""


@pytest.fixture(params=["postgres_15", "postgres_18"])
async def odd_role(request: pytest.FixtureRequest) -> AsyncIterator[tuple[PostgresServer, Any, dict[str, str]]]:
    """Yield a server, a superuser's connection to it, and the settings that it knows, for the role `odd`."""
    server: PostgresServer = request.getfixturevalue(request.param)
    sql = await asyncpg.connect(server.dsn)
    await sql.execute(
        "CREATE ROLE odd LOGIN PASSWORD 'c4nary' IN ROLE pg_monitor; CREATE TABLE kept (id int PRIMARY KEY)"
    )
    yield server, sql, ODD | NEWER[request.param]
    await sql.execute("DROP TABLE kept; DROP ROLE odd")
    await sql.close()


async def shown_by(dsn: str) -> set[tuple[str, Any]]:
    """Return the series that are there at each scrape; every collector has succeeded."""
    with scraping_postgres(dsn, views={"preset": "full", "exclude": ["statement_texts"]}) as target:
        await target.runner._scrape_once()
    shown = {sample[:2]: sample.value for _, samples in target.batches[-1].families for sample in samples}
    failed = [labels for (name, labels), good in shown.items() if name == "pg_scrape_collector_success" and not good]
    assert (failed, shown["pg_up", ()]) == ([], 1)
    return {series for series in shown if series[0].startswith(STEADY)}


async def test_no_setting_of_the_role_changes_what_is_read(
    odd_role: tuple[PostgresServer, Any, dict[str, str]],
) -> None:
    server, sql, odd = odd_role
    dsn = server.dsn_of("odd", "c4nary")
    usual = await shown_by(dsn)
    for batch in batched(odd, 10):
        for name in batch:
            await sql.execute(f"ALTER ROLE odd SET {name} = '{odd[name]}'")
        assert await shown_by(dsn) == usual, batch
        await sql.execute("ALTER ROLE odd RESET ALL")


def batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield `names` in parts: what a setting breaks alone it breaks among others that have nothing to do with it."""
    left = list(names)
    while left:
        yield left[:size]
        left = left[size:]


async def test_all_settings_of_the_database_at_once_change_nothing(
    odd_role: tuple[PostgresServer, Any, dict[str, str]],
) -> None:
    server, sql, odd = odd_role
    dsn = server.dsn_of("odd", "c4nary", "oddest")
    await sql.execute("CREATE DATABASE oddest")
    try:
        usual = await shown_by(dsn)
        for name, value in odd.items():
            await sql.execute(f"ALTER DATABASE oddest SET {name} = '{value}'")
        assert await shown_by(dsn) == usual
    finally:
        await sql.execute("DROP DATABASE oddest WITH (FORCE)")


async def test_behind_a_pooler_they_change_nothing_either(
    pgbouncer_transaction: PgBouncer, postgres_15: PostgresServer
) -> None:
    sql: Any = await asyncpg.connect(postgres_15.dsn)
    await sql.execute("CREATE DATABASE oddest")
    dsn = pgbouncer_transaction.dsn_of("postgres", postgres_15.password, "oddest")
    console: Any = await asyncpg.connect(pgbouncer_transaction.dsn_of("postgres", postgres_15.password, "pgbouncer"))
    try:
        usual = await shown_by(dsn)
        for name, value in (ODD | NEWER["postgres_15"]).items():
            await sql.execute(f"ALTER DATABASE oddest SET {name} = '{value}'")
        await console.execute("RECONNECT")
        assert await shown_by(dsn) == usual
    finally:
        await console.execute("RECONNECT")
        await console.close()
        await sql.execute("DROP DATABASE oddest WITH (FORCE)")
        await sql.close()
