"""What others put into a database on Postgres 15 and 18 is not run with the sidecar's rights."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.views import with_queries
from sidecar.demo.servers import PostgresServer
from tests.fakes import RecordedEvents
from tests.integration.targets import scraping_postgres
from tests.integration.traps import scrapes, set_trap, took_over, trapped, with_traps

pytestmark = pytest.mark.integration


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection, and the database with traps."""
    async with with_traps(postgres) as connection:
        yield connection


async def test_owner_of_the_database_runs_nothing_as_us(postgres: PostgresServer, sql: Any) -> None:
    superuser = await asyncpg.connect(trapped(postgres))
    await superuser.execute("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_buffercache")
    await superuser.close()
    with scraping_postgres(
        trapped(postgres), views={"preset": "full"}, statements={"query_text": True}, long_transaction_seconds=1.5
    ) as target:
        samples = await scrapes(target)
    assert not await took_over(sql)
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    assert samples["sidecar_pg_statements_available"] == {(): 1}


async def test_owner_of_a_visited_database_runs_nothing_as_us(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn, databases={"discover": True}) as target:
        samples = await scrapes(target)
    assert not await took_over(sql)
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}


async def test_function_that_is_not_the_extensions_is_not_called(postgres: PostgresServer, sql: Any) -> None:
    owner = await asyncpg.connect(postgres.dsn_of("mallory", "c4nary", "trapped"))
    for call, value in (
        ("pg_stat_statements(bool) RETURNS SETOF record", ""),
        ("pg_buffercache_summary() RETURNS int", "1"),
    ):
        await set_trap(owner, call, value)
    await owner.close()
    with scraping_postgres(trapped(postgres), views={"preset": "full"}) as target:
        samples = await scrapes(target)
    assert not await took_over(sql)
    assert samples["sidecar_pg_statements_available"] == {(): 0}
    assert "pg_stat_statements_calls_total" not in samples


async def test_queries_of_ones_own_see_what_the_role_sees(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders AS SELECT 7 AS id")
    await connection.execute("CREATE ROLE shopkeeper LOGIN PASSWORD 'c4nary' IN ROLE pg_read_all_data")
    await connection.execute("ALTER ROLE shopkeeper SET search_path = shop")
    text = """
orders: {query: SELECT id FROM orders, predicate: "SELECT to_regclass('orders') IS NOT NULL"}
path: {query: "SELECT (current_setting('search_path') = 'shop')::int AS is_the_roles"}
"""
    config = PostgresConfig.model_validate({"dsn": "postgresql://db"})
    queries = load_queries([("q.yaml", text)], (), config.timeout_seconds)
    views = with_queries(POSTGRES_VIEWS, queries, config, RecordedEvents())
    try:
        with scraping_postgres(postgres.dsn_of("shopkeeper", "c4nary"), views) as target:
            samples = await target.scrape()
            path = await target.runner._session._connection.fetchval(  # type: ignore[attr-defined] # of Postgres
                "SHOW search_path"
            )
    finally:
        await connection.execute("DROP SCHEMA shop CASCADE; DROP ROLE shopkeeper")
        await connection.close()
    assert list(samples["orders_id"].values()) == [7]
    assert list(samples["path_is_the_roles"].values()) == [1]
    assert path == "pg_catalog, pg_temp"
