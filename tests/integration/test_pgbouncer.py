"""Behind PgBouncer, in session and transaction mode: everything is collected and nothing stays in the pool."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.views import with_queries
from sidecar.collect.postgres.view import View
from sidecar.demo.servers import PostgresServer
from tests.fakes import RecordedEvents
from tests.integration.targets import scraping_postgres
from tests.integration.topologies.pgbouncer import PgBouncer
from tests.integration.topologies.topology import ask_postgres, wait_until
from tests.integration.traps import scrapes, took_over, with_traps

pytestmark = pytest.mark.integration

SETTINGS = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_read_only",
    "transaction_read_only",
    "search_path",
)

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sidecar/%'"

QUERIES = """
shop:
  query: SELECT current_database() AS datname, 1 AS n;
  metrics: [{datname: {usage: LABEL}}, {n: {usage: GAUGE}}]
written: {query: CREATE TABLE written (), master: true}
slow: {query: SELECT pg_sleep(20), timeout_seconds: 0.1, master: true}
"""


def with_own_queries() -> Sequence[View]:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db"})
    queries = load_queries([("queries.yaml", QUERIES)], (), config.timeout_seconds)
    return with_queries(POSTGRES_VIEWS, queries, config, RecordedEvents())


@pytest.fixture(autouse=True)
async def _empty_pool(pgbouncer: PgBouncer, postgres_15: PostgresServer) -> AsyncIterator[None]:
    """Leave no backend behind: other tests count those of this server."""
    yield
    console = await asyncpg.connect(pgbouncer.dsn_of("postgres", postgres_15.password, "pgbouncer"))
    await console.execute("RECONNECT")
    await console.close()
    await asyncio.to_thread(wait_until, lambda: ask_postgres(postgres_15.dsn, BACKENDS) == 0)


async def settings_of(connection: Any) -> dict[str, str]:
    return {name: await connection.fetchval(f"SHOW {name}") for name in SETTINGS}


async def defaults_of(server: PostgresServer) -> dict[str, str]:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await settings_of(connection)
    finally:
        await connection.close()


async def test_every_view_succeeds_and_the_pooler_is_told_once(
    pgbouncer: PgBouncer, caplog: pytest.LogCaptureFixture
) -> None:
    with scraping_postgres(pgbouncer.dsn) as target:
        await target.scrape()
        samples = await target.scrape()
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    assert samples["pg_up"] == {(): 1}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "Target `postgres/main`: a connection pooler such as PgBouncer is in between; every statement takes a "
        "transaction. Better give the address of the server itself."
    ]


async def test_a_storm_of_scrapes_leaves_no_setting_and_no_statement_in_the_pool(
    pgbouncer: PgBouncer, postgres_15: PostgresServer
) -> None:
    views = with_own_queries()
    # In session mode a client keeps one of the two backends to itself.
    timeouts = (60.0, 0.02, 60.0, 0.05, 60.0, 0.1) if pgbouncer.pool_mode == "transaction" else (60.0, 0.05)
    with ExitStack() as stack:
        targets = [
            stack.enter_context(scraping_postgres(pgbouncer.dsn, views, timeout_seconds=timeout))
            for timeout in timeouts
        ]
        async with asyncio.TaskGroup() as group:
            for target in targets:
                group.create_task(scrapes(target))
    expected = await defaults_of(postgres_15)
    for backend in await backends_of(pgbouncer):
        assert await settings_of(backend) == expected
        assert await backend.fetch("SELECT name FROM pg_prepared_statements") == []
        await backend.close()


async def backends_of(pgbouncer: PgBouncer) -> list[Any]:
    """Return a client in a transaction on each of the pool's two backends."""
    clients = [await asyncpg.connect(pgbouncer.dsn, statement_cache_size=0) for _ in range(2)]
    for client in clients:
        await client.execute("BEGIN")
    assert len({await client.fetchval("SELECT pg_backend_pid()") for client in clients}) == 2
    return clients


async def test_queries_of_ones_own_work_are_read_only_and_keep_to_their_time(
    pgbouncer: PgBouncer, postgres_15: PostgresServer
) -> None:
    with scraping_postgres(pgbouncer.dsn, with_own_queries(), timeout_seconds=20) as target:
        samples = await target.scrape()
    failed = {labels[0][1] for labels, value in samples["pg_scrape_collector_success"].items() if not value}
    assert failed == {"written", "slow"}
    server = ("server", f"{pgbouncer.host}:{pgbouncer.port}")
    assert samples["shop_n"] == {(("datname", "postgres"), server): 1}
    connection = await asyncpg.connect(postgres_15.dsn)
    assert await connection.fetchval("SELECT to_regclass('written')") is None
    await connection.close()


async def test_other_databases_are_visited_through_the_pooler_too(
    pgbouncer: PgBouncer, postgres_15: PostgresServer
) -> None:
    connection = await asyncpg.connect(postgres_15.dsn)
    await connection.execute("CREATE DATABASE pooled")
    settings = {"discover": True, "include": ["pooled"]}
    try:
        with scraping_postgres(pgbouncer.dsn, with_own_queries(), databases=settings) as target:
            samples = await target.scrape()
    finally:
        await connection.execute("DROP DATABASE pooled WITH (FORCE)")
        await connection.close()
    assert {dict(labels)["datname"] for labels in samples["shop_n"]} == {"postgres", "pooled"}


async def test_owner_of_a_database_behind_a_pooler_runs_nothing_as_us(
    pgbouncer: PgBouncer, postgres_15: PostgresServer
) -> None:
    async with with_traps(postgres_15) as sql:
        dsn = pgbouncer.dsn_of("postgres", postgres_15.password, "trapped")
        with scraping_postgres(dsn, databases={"discover": True}) as target:
            samples = await scrapes(target)
        assert not await took_over(sql)
        assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
