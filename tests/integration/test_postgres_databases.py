"""Several databases of Postgres 15 and 18: which are visited, through how many connections, whose trouble is whose."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from sidecar.collect.postgres.view import NO_LIMITS, Limits, Row, Schedule, Server, View
from sidecar.demo.servers import PostgresServer
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from tests.integration.targets import scraping_postgres

pytestmark = pytest.mark.integration

HERE = Family("here", MetricType.GAUGE, "1 for each database that was visited.", ("datname",))

OURS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain'"


def visited(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    labels = (("datname", str(rows[0]["datname"])),)
    yield FamilySamples(HERE, [Sample(HERE.name, labels, 1.0)])


def probe(sql: str = "SELECT current_database() AS datname", limits: Limits = NO_LIMITS, **schedule: Any) -> View:
    everywhere = Schedule(per_database=True, **schedule)
    return View(name="probe", sql={0: sql}, families=(HERE,), convert=visited, schedule=everywhere, limits=limits)


def databases_of(samples: dict[str, dict[Any, float]]) -> set[str]:
    return {labels[0][1] for labels in samples.get("here", {})}


def success(samples: dict[str, dict[Any, float]]) -> float:
    return samples["pg_scrape_collector_success"][("collector", "probe"),]


@pytest.fixture
async def sql(postgres: PostgresServer) -> AsyncIterator[Any]:
    """A superuser's connection, and three databases beside `postgres`."""
    connection = await asyncpg.connect(postgres.dsn)
    names = ("shop", "shop_test", "wiki")
    for name in names:
        await connection.execute(f"CREATE DATABASE {name}")
    await connection.execute("CREATE ROLE plain LOGIN PASSWORD 'c4nary' IN ROLE pg_monitor")
    yield connection
    await connection.execute("DROP ROLE plain")
    for name in names:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


@pytest.mark.usefixtures("sql")
@pytest.mark.parametrize(
    ("databases", "expected", "left_out"),
    [
        ({}, {"postgres"}, None),
        ({"discover": True}, {"postgres", "shop", "shop_test", "wiki"}, 0),
        ({"discover": True, "exclude": ["*_test"]}, {"postgres", "shop", "wiki"}, 0),
        ({"discover": True, "include": ["shop*"], "exclude": ["shop_test"]}, {"postgres", "shop"}, 0),
        ({"discover": True, "max": 2}, {"postgres", "shop", "shop_test"}, 1),
        ({"discover": True, "max": 0}, {"postgres"}, 3),
    ],
)
async def test_databases_are_visited_as_configured(
    postgres: PostgresServer, databases: dict[str, Any], expected: set[str], left_out: int | None
) -> None:
    with scraping_postgres(postgres.dsn, [probe()], databases=databases) as target:
        samples = await target.scrape()
    assert databases_of(samples) == expected
    assert success(samples) == 1
    counted = samples.get("sidecar_pg_databases_left_out")
    assert counted == (None if left_out is None else {(): left_out})


@pytest.mark.parametrize(
    ("statement", "undo"),
    [
        ("ALTER DATABASE shop ALLOW_CONNECTIONS false", "ALTER DATABASE shop ALLOW_CONNECTIONS true"),
        ("REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "GRANT CONNECT ON DATABASE shop TO PUBLIC"),
    ],
)
async def test_a_database_that_the_role_may_not_enter_is_not_tried(
    postgres: PostgresServer, sql: Any, statement: str, undo: str, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute(statement)
    with scraping_postgres(postgres.dsn_of("plain", "c4nary"), [probe()], databases={"discover": True}) as target:
        samples = await target.scrape()
    await sql.execute(undo)
    assert databases_of(samples) == {"postgres", "shop_test", "wiki"}
    assert success(samples) == 1
    assert "database shop" not in caplog.text


async def test_a_database_that_is_full_fails_alone_is_told_once_and_recovers(
    postgres: PostgresServer, sql: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute("ALTER DATABASE shop CONNECTION LIMIT 0")
    with scraping_postgres(postgres.dsn_of("plain", "c4nary"), [probe()], databases={"discover": True}) as target:
        await target.scrape()
        samples = await target.scrape()
        assert databases_of(samples) == {"postgres", "shop_test", "wiki"}
        assert (success(samples), samples["pg_up"], samples["pg_exporter_last_scrape_error"]) == (0, {(): 1}, {(): 1})
        assert caplog.text.count("collector `database shop` failed") == 1
        assert "c4nary" not in caplog.text
        await sql.execute("ALTER DATABASE shop CONNECTION LIMIT -1")
        samples = await target.scrape()
    assert databases_of(samples) == {"postgres", "shop", "shop_test", "wiki"}
    assert success(samples) == 1


async def test_a_database_dropped_between_two_scrapes_is_gone_at_the_next(postgres: PostgresServer, sql: Any) -> None:
    seldom = probe(every_seconds=300.0)
    with scraping_postgres(postgres.dsn, [seldom], databases={"discover": True}) as target:
        before = await target.scrape()
        # No connection of ours stands in the way: the visits are over.
        await sql.execute("DROP DATABASE wiki")
        after = await target.scrape()
    assert databases_of(before) - databases_of(after) == {"wiki"}
    assert success(after) == 1


async def test_a_view_that_fails_in_one_database_gives_its_values_of_the_others(
    postgres: PostgresServer, sql: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failing = probe(
        "SELECT CASE current_database() WHEN 'shop' THEN (1 / (random() * 0)::int)::text"
        " ELSE current_database() END AS datname"
    )
    with scraping_postgres(postgres.dsn, [failing], databases={"discover": True}) as target:
        samples = await target.scrape()
    assert databases_of(samples) == {"postgres", "shop_test", "wiki"}
    assert success(samples) == 0
    assert "collector `probe in shop` failed: DivisionByZeroError" in caplog.text


async def test_never_more_than_two_connections_are_open_and_one_stays(postgres: PostgresServer, sql: Any) -> None:
    slow = probe("SELECT current_database() AS datname, pg_sleep(0.01)")
    with scraping_postgres(postgres.dsn_of("plain", "c4nary"), [slow], databases={"discover": True}) as target:
        async with counting(sql) as counts:
            for _ in range(10):
                await target.scrape()
        assert max(counts) == 2
        await until_asked(sql, lambda open_: open_ == 1)
        assert len(counts) > 20
    await until_asked(sql, lambda open_: open_ == 0)


@pytest.mark.parametrize("slow", [False, True])
async def test_what_does_not_end_in_one_database_takes_nothing_from_the_others(
    postgres: PostgresServer, sql: Any, slow: bool
) -> None:
    endless = probe(
        "SELECT current_database() AS datname, pg_sleep(CASE current_database() WHEN 'shop' THEN 60 ELSE 0 END)",
        limits=Limits(statement_seconds=3.9),
        slow=slow,
    )
    dsn = postgres.dsn_of("plain", "c4nary")
    with scraping_postgres(dsn, [endless], databases={"discover": True}, timeout_seconds=4) as target:
        async with counting(sql) as counts:
            for _ in range(4):
                samples = await target.scrape()
                assert (samples["pg_up"], success(samples)) == ({(): 1}, 0)
                assert databases_of(samples) == {"postgres", "shop_test", "wiki"}
        assert max(counts) == 2, "the server is still at work for nobody"
    await until_asked(sql, lambda open_: open_ == 0)


async def test_a_database_that_hangs_at_connecting_takes_nothing_from_the_others(
    postgres: PostgresServer, sql: Any
) -> None:
    with scraping_postgres(postgres.dsn, [probe()], databases={"discover": True}, timeout_seconds=2) as target:
        async with sql.transaction():
            # Who connects waits for the lock that the name has until the transaction ends.
            await sql.execute("ALTER DATABASE shop RENAME TO shopping")
            samples = await target.scrape()
            assert databases_of(samples) == {"postgres", "shop_test", "wiki"}
            assert (success(samples), samples["pg_exporter_last_scrape_error"]) == (0, {(): 1})
            await sql.execute("ALTER DATABASE shopping RENAME TO shop")
        assert databases_of(await target.scrape()) == {"postgres", "shop", "shop_test", "wiki"}


async def test_a_name_that_is_no_utf8_is_shown_escaped(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    try:
        ascii_ = await asyncpg.connect(postgres.dsn_of("postgres", postgres.password, "ascii"))
        for name in (r"\xe9", r"\xc3\xa9", r"\xed\xa0\x80", r"\xe2\x82\xac", r"\xf0\x9f\x98\x80", "plain"):
            await ascii_.execute(f"""DO $$ BEGIN EXECUTE 'CREATE TABLE "' || E'{name}' || '" ()'; END $$""")
        await ascii_.close()
        with scraping_postgres(postgres.dsn_of("postgres", postgres.password, "ascii")) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP DATABASE ascii WITH (FORCE)")
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    for family in ("seq_scan", "table_size_bytes"):
        shown = {dict(labels)["relname"] for labels in samples[f"pg_stat_user_tables_{family}"]}
        assert shown == {"plain", "é", "€", "😀", r"\xe9", r"\xed\xa0\x80"}
    assert samples["sidecar_pg_tables_left_out"] == {(("datname", "ascii"),): 0}


async def test_interrupted_drop_is_skipped_without_a_word_in_the_servers_log(
    postgres: PostgresServer, sql: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'shop'")
    log = postgres.directory / "log"
    before = log.stat().st_size
    try:
        with scraping_postgres(postgres.dsn, views={"preset": "full"}, databases={"discover": True}) as target:
            await target.scrape()
            samples = await target.scrape()
    finally:
        await sql.execute("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'shop'")
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    assert (samples["pg_exporter_last_scrape_error"], "failed" in caplog.text) == ({(): 0}, False)
    said = log.read_bytes()[before:].decode()
    assert "FATAL" not in said
    assert "ERROR" not in said


@asynccontextmanager
async def counting(sql: Any) -> AsyncIterator[list[int]]:
    """Yield how many connections of ours there are, counted again and again by another one."""
    counts: list[int] = []

    async def count() -> None:
        while True:
            counts.append(await sql.fetchval(OURS))

    task = asyncio.get_running_loop().create_task(count())
    try:
        yield counts
    finally:
        task.cancel()
        await asyncio.wait([task])
        # A cancelled query may still be answered: the connection is used again after that only.
        assert await sql.fetchval("SELECT 1") == 1


async def until_asked(sql: Any, good: Callable[[int], bool]) -> None:
    """Return once the number of our connections is `good`: the server takes its time to see that one is gone."""
    async with asyncio.timeout(10):
        while not good(await sql.fetchval(OURS)):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
