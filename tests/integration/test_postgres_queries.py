"""Queries of the operator's own on Postgres 15 and 18: what they give, and that they can neither write nor linger."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.views import with_queries
from sidecar.demo.servers import PostgresServer
from sidecar.demo.shop.schema import SCHEMA, SEEDED_ORDERS
from tests.conftest import ROOT
from tests.fakes import RecordedEvents
from tests.integration.targets import Scraped, scraping_postgres
from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = pytest.mark.integration

EXPORTERS_FILE = """
pg_replication:
  query: "SELECT pg_is_in_recovery()::int AS is_in_recovery, EXTRACT(EPOCH FROM now() - now()) AS lag;"
  master: true
  metrics:
    - is_in_recovery: {usage: "GAUGE", description: "1 on a replica"}
    - lag: {usage: "GAUGE", description: "Seconds behind"}
pg_postmaster:
  query: "SELECT pg_postmaster_start_time AS start_time_seconds FROM pg_postmaster_start_time()"
  metrics:
    - start_time_seconds: {usage: "GAUGE", description: "Start"}
pg_stat_user_tables:
  query: |
    SELECT current_database() datname, schemaname, relname, seq_scan, n_live_tup, last_vacuum
    FROM pg_stat_user_tables
  metrics:
    - datname: {usage: "LABEL", description: "Database"}
    - schemaname: {usage: "LABEL", description: "Schema"}
    - relname: {usage: "LABEL", description: "Table"}
    - seq_scan: {usage: "COUNTER", description: "Sequential scans"}
    - n_live_tup: {usage: "GAUGE", description: "Live rows"}
    - last_vacuum: {usage: "GAUGE", description: "Last vacuum"}
pg_database:
  query: "SELECT pg_database.datname, pg_database_size(pg_database.datname) AS size FROM pg_database"
  cache_seconds: 30
  metrics:
    - datname: {usage: "LABEL", description: "Database"}
    - size: {usage: "GAUGE", description: "Bytes"}
pg_process_idle:
  query: |
    WITH spans AS (SELECT state, 1 AS value FROM (VALUES ('idle'), ('active')) AS s (state)),
         bounds AS (SELECT unnest(ARRAY[1, 2, 5]) AS le)
    SELECT state, sum(value) AS seconds_sum, count(*) AS seconds_count,
           array_agg(le ORDER BY le) AS seconds, array_agg(1::bigint) AS seconds_bucket
      FROM spans CROSS JOIN bounds GROUP BY state
  metrics:
    - state: {usage: "LABEL", description: "State"}
    - seconds: {usage: "HISTOGRAM", description: "Idle time"}
"""
"""In the shape of the file that postgres_exporter comes with."""


@contextmanager
def scraping(server: PostgresServer, text: str, dsn: str | None = None, **settings: Any) -> Iterator[Scraped]:
    """Yield a runner that asks the queries of `text`, and the views unless `settings` exclude them."""
    config = PostgresConfig.model_validate({"dsn": dsn or server.dsn, **settings})
    queries = load_queries([("queries.yaml", text)], [view.name for view in POSTGRES_VIEWS], config.timeout_seconds)
    views = with_queries(POSTGRES_VIEWS, queries, config, RecordedEvents())
    with scraping_postgres(dsn or server.dsn, views, **settings) as scraped:
        yield scraped


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection, and a table that must stay empty."""
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS orders (id int)")
    yield connection
    await connection.execute("DROP TABLE orders")
    await connection.close()


async def test_the_exporters_own_file_beside_all_views(postgres: PostgresServer, sql: Any) -> None:
    with scraping(postgres, EXPORTERS_FILE) as target:
        samples = await target.scrape()
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    assert target.pages.duplicates == 0
    server = ("server", f"{postgres.host}:{postgres.port}")
    size = await sql.fetchval("SELECT pg_database_size('template0')")
    assert samples["pg_database_size"][("datname", "template0"), server] == size
    assert samples["pg_process_idle_seconds_bucket"][("le", "5"), server, ("state", "idle")] == 1
    assert samples["pg_process_idle_seconds_bucket"][("le", "+Inf"), server, ("state", "idle")] == 3
    # The views give these, so the file's would be there twice.
    assert all(server not in labels for labels in samples["pg_stat_user_tables_seq_scan"])


async def test_without_the_views_the_exporters_file_gives_all_that_it_did(postgres: PostgresServer, sql: Any) -> None:
    excluded = {"exclude": [view.name for view in POSTGRES_VIEWS]}
    with scraping(postgres, EXPORTERS_FILE, views=excluded) as target:
        samples = await target.scrape()
    server = ("server", f"{postgres.host}:{postgres.port}")
    started = await sql.fetchval("SELECT extract(epoch FROM date_trunc('second', pg_postmaster_start_time()))::int8")
    assert samples["pg_postmaster_start_time_seconds"] == {(server,): started}
    assert samples["pg_replication_is_in_recovery"] == samples["pg_replication_lag"] == {(server,): 0}
    table = (("datname", "postgres"), ("relname", "orders"), ("schemaname", "public"), server)
    assert samples["pg_stat_user_tables_n_live_tup"][tuple(sorted(table))] == 0
    assert "pg_stat_user_tables_last_vacuum" not in samples, "NULL is no sample"


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO orders VALUES (1) RETURNING id",
        "WITH new AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT id FROM new",
        "CREATE TABLE written ()",
        "SELECT 1 AS id INTO written",
        "SELECT set_config('transaction_read_only', 'off', false) AS id",
        "DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO orders VALUES (1); END $$",
        "DO $$ BEGIN COMMIT; INSERT INTO orders VALUES (1); END $$",
        "SELECT nextval('numbers') AS id",
        "EXPLAIN ANALYZE INSERT INTO orders VALUES (1)",
    ],
)
async def test_a_query_that_would_write_fails_alone(
    postgres: PostgresServer, sql: Any, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute("CREATE SEQUENCE numbers")
    text = f'bad: {{query: "{query}", metrics: [{{id: {{usage: GAUGE}}}}]}}\ngood: {{query: SELECT 1 AS n}}\n'
    try:
        with scraping(postgres, text) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP SEQUENCE numbers")
    success = samples["pg_scrape_collector_success"]
    assert [labels for labels, value in success.items() if not value] == [(("collector", "bad"),)]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0
    assert await sql.fetchval("SELECT to_regclass('written')") is None
    assert "collector `bad` failed" in caplog.text


@pytest.mark.parametrize("query", ["COMMIT", "SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off"])
async def test_a_query_that_changes_its_transaction_opens_none_for_the_next(
    postgres: PostgresServer, sql: Any, query: str
) -> None:
    insert = "WITH new AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT id FROM new"
    with scraping(postgres, f"first: {{query: {query}}}\nsecond: {{query: {insert}}}\n") as target:
        await target.scrape()
        samples = await target.scrape()
    assert samples["pg_scrape_collector_success"][("collector", "second"),] == 0
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0


async def test_what_a_query_sets_is_gone_after_it_and_no_rollback_is_counted(
    postgres: PostgresServer, sql: Any
) -> None:
    rollbacks = "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"
    text = """
setting: {query: "SELECT length(set_config('work_mem', '1MB', false)) AS n"}
asking: {query: "SELECT pg_size_bytes(current_setting('work_mem')) AS bytes"}
"""
    before = await sql.fetchval(rollbacks)
    with scraping(postgres, text) as target:
        await target.scrape()
        samples = await target.scrape()
    ((_, size),) = samples["asking_bytes"].items()
    assert size == await sql.fetchval("SELECT pg_size_bytes(current_setting('work_mem'))")
    await sql.execute("SELECT pg_stat_clear_snapshot()")
    assert await sql.fetchval(rollbacks) == before


async def test_a_slow_query_ends_at_its_own_limit_and_the_rest_goes_on(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    text = "slow: {query: SELECT pg_sleep(20), timeout_seconds: 0.2}\ngood: {query: SELECT 1 AS n}\n"
    with scraping(postgres, text, timeout_seconds=20) as target:
        samples = await target.scrape()
    success = samples["pg_scrape_collector_success"]
    assert [labels for labels, value in success.items() if not value] == [(("collector", "slow"),)]
    assert samples["pg_scrape_collector_duration_seconds"][("collector", "slow"),] < 5
    assert "statement timeout" in caplog.text


async def test_the_server_counts_the_rows_that_it_does_not_send(postgres: PostgresServer) -> None:
    text = "many: {query: 'SELECT n AS id, n FROM generate_series(1, 5000) AS n ORDER BY n DESC; -- all of them', "
    text += "metrics: [{id: {usage: LABEL}}, {n: {usage: GAUGE}}]}\n"
    with scraping(postgres, text) as target:
        samples = await target.scrape()
    assert len(samples["many_n"]) == 1000
    assert min(samples["many_n"].values()) == 4001
    assert samples["sidecar_pg_query_rows_left_out"] == {(("collector", "many"), ("datname", "postgres")): 4000}


async def test_series_that_a_query_gives_twice_are_counted_and_the_first_stays(postgres: PostgresServer) -> None:
    with scraping(postgres, "twice: {query: 'VALUES (1), (2)', metrics: [{column1: {usage: GAUGE}}]}\n") as target:
        await target.runner._scrape_once()
        assert "twice_column1{" in target.pages.render().decode()
        assert target.pages.duplicates == 1


async def test_every_type_that_is_a_number_becomes_one(postgres: PostgresServer) -> None:
    columns = {
        "1::int2": 1,
        "2::int8": 2,
        "0.5::float4": 0.5,
        "0.1::numeric": 0.1,
        "'Infinity'::float8": float("inf"),
        "true": 1,
        "'7.5'::text": 7.5,
        "'8'::name": 8,
        "26::oid": 26,
        "to_timestamp(1704067200.7)": 1704067200,
        "timestamp '2024-01-01'": 1704067200,
        "date '2024-01-01'": 1704067200,
    }
    selected = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(columns))
    text = f"types:\n  query: |\n    SELECT {selected}, NULL::int AS nothing, inet '10.0.0.1' AS address\n"
    with scraping(postgres, text) as target:
        samples = await target.scrape()
    found = [next(iter(samples[f"types_c{number}"].values())) for number in range(len(columns))]
    assert found == list(columns.values())
    assert "types_nothing" not in samples
    assert "types_address" not in samples


async def test_a_text_where_a_number_is_needed_is_left_out_alone_counted_and_not_told(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    text = """
shop:
  query: SELECT id, n FROM (VALUES (1, 'c4nary'), (2, '7')) AS orders (id, n)
  metrics: [{id: {usage: LABEL}}, {n: {usage: GAUGE}}]
"""
    with scraping(postgres, text) as target:
        await target.scrape()
        samples = await target.scrape()
    server = ("server", f"{postgres.host}:{postgres.port}")
    assert samples["shop_n"] == {(("id", "2"), server): 7}
    assert samples["pg_scrape_collector_success"][("collector", "shop"),] == 1
    assert target.counted("sidecar_pg_unreadable_total", target="main") == 2
    assert caplog.text.count("column `n` is text where a number is needed") == 1
    assert "c4nary" not in caplog.text


async def test_only_queries_for_this_version_and_whose_predicate_holds_are_asked(postgres: PostgresServer) -> None:
    text = """
old: {query: SELECT 1 AS n, runonserver: "<18.0.0"}
new: {query: SELECT 1 AS n, min_version: 18}
never: {query: SELECT no_such_column AS n, max_version: "9.6"}
absent: {query: SELECT 1 AS n, predicate: "SELECT to_regclass('nowhere') IS NOT NULL;"}
there: {query: SHOW server_version_num, predicate: "SELECT true"}
"""
    with scraping(postgres, text) as target:
        samples = await target.scrape()
    version = next(iter(samples["there_server_version_num"].values()))
    assert ("old_n" in samples, "new_n" in samples) == ((False, True) if version >= 180000 else (True, False))
    collectors = {labels[0][1] for labels in samples["pg_scrape_collector_success"]}
    assert "never" not in collectors
    assert "absent_n" not in samples
    assert samples["pg_scrape_collector_success"][("collector", "absent"),] == 1


async def test_a_seldom_query_shows_its_last_values_with_their_age(postgres: PostgresServer) -> None:
    with scraping(postgres, "seldom: {query: SELECT 1 AS n, interval_seconds: 60}\n") as target:
        await target.scrape()
        samples = await target.scrape()
    assert list(samples["seldom_n"].values()) == [1]
    assert samples["sidecar_pg_collector_age_seconds"][("collector", "seldom"),] > 0


async def test_a_changed_file_is_read_again_and_a_bad_one_changes_nothing(
    postgres_15: PostgresServer, tmp_path: Path
) -> None:
    file = tmp_path / "queries" / "shop.yaml"
    file.parent.mkdir()
    file.write_text("shop: {query: SELECT 1 AS n}\n")
    config = f"postgres: [{{dsn: '{postgres_15.dsn}', scrape_interval_seconds: 0.5, queries: ['queries/*.yaml']}}]\n"
    sidecar = Sidecar(tmp_path, config)
    series = f'shop_n{{server="{postgres_15.host}:{postgres_15.port}"}}'

    async def shown() -> float | None:
        return samples_of((await get_text(f"{sidecar.url}/metrics"))[1]).get(series)

    await asyncio.to_thread(sidecar.start)
    try:
        await eventually(shown, lambda value: value == 1)
        file.write_text("shop: {query: SELECT 2 AS n}\n")
        await eventually(shown, lambda value: value == 2)
        file.write_text("shop: {query: SELECT 3 AS n, intervall_seconds: 1}\n")
        message = "queries/shop.yaml:1:30: `shop`: unknown key `intervall_seconds`; did you mean `interval_seconds`?"
        await eventually(lambda: asyncio.to_thread(lambda: message in sidecar.log))
        assert await shown() == 2
    finally:
        await asyncio.to_thread(sidecar.stop)


async def test_the_shipped_example_works_on_the_demos_shop(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE DATABASE shop")
    shop = await asyncpg.connect(postgres.dsn_of("postgres", postgres.password, "shop"))
    await shop.execute(SCHEMA)
    await shop.close()
    text = await asyncio.to_thread((ROOT / "config/examples/queries.yaml").read_text)
    try:
        with scraping(postgres, text, databases={"discover": True}) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP DATABASE shop WITH (FORCE)")
    server = ("server", f"{postgres.host}:{postgres.port}")
    assert samples["shop_orders_count"] == {(("placed", "today"), server): SEEDED_ORDERS}
    assert samples["shop_invalid_indexes_count"] == {(server,): 0}
    ages = samples["shop_table_age_transactions"]
    assert [sum(("datname", name) in labels for labels in ages) for name in ("postgres", "shop")] == [20, 20]
    assert target.pages.duplicates == 0
    left_out = samples["sidecar_pg_query_rows_left_out"]
    assert left_out[("collector", "shop_table_age"), ("datname", "shop")] > 0
