"""Views of tables and indexes on Postgres 15 and 18: which are shown, their values, and what a lock does to them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.views import stat_user_tables_size
from sidecar.demo.servers import PostgresServer
from sidecar.model.labels import Labels
from tests.integration.targets import scraping_postgres

pytestmark = pytest.mark.integration

DATABASE = "tables_here"
SIZES = stat_user_tables_size.VIEW
ALWAYS_DUE = replace(SIZES, schedule=replace(SIZES.schedule, every_seconds=1e-9), adapt=None)
COUNTERS = ["seq_scan", "seq_tup_read", "idx_scan", "n_tup_ins", "n_live_tup", "n_dead_tup", "analyze_count"]

# The big one is the last by number and by name: only its size puts it first.
TABLES = """
CREATE TABLE a_small (id int);
CREATE TABLE b_small (id int);
CREATE TABLE "Big One" (id int PRIMARY KEY, text text);
INSERT INTO "Big One" SELECT i, repeat('x', 200) FROM generate_series(1, 2000) i;
CREATE SCHEMA other;
CREATE TABLE other.middle AS SELECT i FROM generate_series(1, 1000) i;
"""


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection to a database of its own with four tables."""
    admin = await asyncpg.connect(postgres.dsn)
    await admin.execute(f"CREATE DATABASE {DATABASE}")
    connection = await asyncpg.connect(dsn_of(postgres))
    await connection.execute(TABLES)
    await connection.execute("ANALYZE")
    yield connection
    await connection.close()
    await admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    await admin.close()


def dsn_of(server: PostgresServer) -> str:
    return server.dsn_of("postgres", server.password, DATABASE)


def table(name: str, schema: str = "public") -> Labels:
    return (("datname", DATABASE), ("relname", name), ("schemaname", schema))


def tables_in(samples: dict[Labels, float]) -> set[str]:
    return {dict(labels)["relname"] for labels in samples}


async def test_counters_and_sizes_are_those_of_the_server(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(dsn_of(postgres)) as target:
        samples = await target.scrape()
    row = await sql.fetchrow("SELECT * FROM pg_stat_user_tables WHERE relname = 'Big One'")
    big = table("Big One")
    assert {name: samples[f"pg_stat_user_tables_{name}"][big] for name in COUNTERS} == {
        name: row[name] for name in COUNTERS
    }
    assert samples["pg_stat_user_tables_last_analyze"][big] == pytest.approx(row["last_analyze"].timestamp())
    assert samples["pg_stat_user_tables_last_vacuum"][big] == 0
    sizes = await sql.fetchrow("""SELECT pg_table_size('"Big One"') AS heap, pg_indexes_size('"Big One"') AS indexes""")
    assert samples["pg_stat_user_tables_table_size_bytes"][big] == sizes["heap"] > 0
    assert samples["pg_stat_user_tables_index_size_bytes"][big] == sizes["indexes"] > 0
    assert table("middle", "other") in samples["pg_stat_user_tables_seq_scan"]
    assert table("a_small") not in samples["pg_stat_user_tables_idx_scan"]
    assert samples["sidecar_pg_tables_left_out"] == {(("datname", DATABASE),): 0}


async def test_blocks_are_those_of_the_server(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(dsn_of(postgres), views={"include": ["statio_user_indexes"]}) as target:
        samples = await target.scrape()
    row = await sql.fetchrow("SELECT * FROM pg_statio_user_tables WHERE relname = 'Big One'")
    parts = ("heap", "idx", "toast", "tidx")
    assert [samples[f"pg_statio_user_tables_{part}_blocks_hit"][table("Big One")] for part in parts] == [
        row[f"{part}_blks_hit"] for part in parts
    ]
    labels = (("indexrelname", "Big One_pkey"), ("relname", "Big One"), ("schemaname", "public"))
    assert samples["pg_statio_user_indexes_idx_blks_hit_total"] == {labels: row["idx_blks_hit"]}


async def test_the_biggest_tables_are_shown_in_every_view_and_the_rest_is_counted(
    postgres: PostgresServer, sql: Any
) -> None:
    views = {"include": ["statio_user_indexes"]}
    with scraping_postgres(dsn_of(postgres), tables={"max": 2}, views=views) as target:
        samples = await target.scrape()
    biggest = {"Big One", "middle"}
    assert tables_in(samples["pg_stat_user_tables_seq_scan"]) == biggest
    assert tables_in(samples["pg_stat_user_tables_table_size_bytes"]) == biggest
    assert tables_in(samples["pg_statio_user_tables_heap_blocks_read"]) == biggest
    assert tables_in(samples["pg_statio_user_indexes_idx_blks_read_total"]) <= biggest
    assert samples["sidecar_pg_tables_left_out"] == {(("datname", DATABASE),): 2}


async def test_tables_of_visited_databases_are_shown_too(postgres: PostgresServer, sql: Any) -> None:
    with scraping_postgres(postgres.dsn, databases={"discover": True, "include": [DATABASE]}) as target:
        samples = await target.scrape()
    for family in ("seq_scan", "table_size_bytes"):
        assert table("Big One") in samples[f"pg_stat_user_tables_{family}"]
    assert samples["sidecar_pg_collector_age_seconds"].keys() >= {
        (("collector", "stat_user_tables_size"), ("datname", DATABASE))
    }


async def test_plain_role_sees_the_tables_that_it_may_not_read(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE ROLE nobody_special LOGIN PASSWORD 'c4nary'")
    try:
        with scraping_postgres(postgres.dsn_of("nobody_special", "c4nary", DATABASE)) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP ROLE nobody_special")
    assert samples["pg_stat_user_tables_n_live_tup"][table("Big One")] == 2000
    assert samples["pg_stat_user_tables_table_size_bytes"][table("Big One")] > 0


async def test_locked_table_has_its_counters_and_no_sizes_and_the_others_have_both(
    postgres: PostgresServer, sql: Any
) -> None:
    views = (*(view for view in POSTGRES_VIEWS if view.name != ALWAYS_DUE.name), ALWAYS_DUE)
    size = "pg_stat_user_tables_table_size_bytes"
    with scraping_postgres(dsn_of(postgres), views) as target:
        before = await target.scrape()
        async with sql.transaction():
            await sql.execute('LOCK TABLE "Big One" IN ACCESS EXCLUSIVE MODE')
            during = await target.scrape()
        after = await target.scrape()
    assert table("Big One") in during["pg_stat_user_tables_seq_scan"]
    assert table("Big One") in during["pg_statio_user_tables_heap_blocks_read"]
    assert before[size] == after[size] == {table("Big One"): before[size][table("Big One")], **during[size]}
    assert table("Big One") not in during[size]
    for samples in (before, during, after):
        assert set(samples["pg_scrape_collector_success"].values()) == {1.0}


async def test_table_whose_index_is_locked_has_no_sizes(postgres: PostgresServer, sql: Any) -> None:
    async with sql.transaction():
        await sql.execute('REINDEX TABLE "Big One"')
        with scraping_postgres(dsn_of(postgres)) as target:
            samples = await target.scrape()
    assert tables_in(samples["pg_stat_user_tables_table_size_bytes"]) == {"a_small", "b_small", "middle"}
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
