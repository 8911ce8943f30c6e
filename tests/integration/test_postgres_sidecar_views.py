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


class Clients:
    """A server with the extension and a role of its own, whose statements are those of the test."""

    def __init__(self, postgres: PostgresServer, admin: Any) -> None:
        self.dsn = postgres.dsn_of("clients", "c4nary")
        self._admin = admin

    async def execute(self, statement: str, times: int = 1) -> str:
        """Execute `statement` so many times and return its queryid."""
        connection = await asyncpg.connect(self.dsn)
        try:
            for _ in range(times):
                await connection.execute(statement)
        finally:
            await connection.close()
        found = await self._admin.fetch(
            "SELECT queryid::text FROM pg_stat_statements(true) WHERE query LIKE $1", f"%{statement.split()[-1]}%"
        )
        return str(found[0][0])


@pytest.fixture
async def clients(postgres: PostgresServer, sql: Any) -> AsyncIterator[Clients]:
    """Clients of a server that knows no statement yet."""
    await sql.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE ROLE clients LOGIN PASSWORD 'c4nary'")
    await sql.execute("SELECT pg_stat_statements_reset()")
    yield Clients(postgres, sql)
    await sql.execute("DROP EXTENSION pg_stat_statements; DROP ROLE clients")


STATEMENTS: dict[str, Any] = {"views": {"preset": "minimal", "include": ["stat_statements"]}}
CALLS = "pg_stat_statements_calls_total"


def calls_of(samples: Samples, query_id: str) -> float | None:
    """Return the calls of one statement of the clients, None if it is not shown."""
    return samples[CALLS].get((("datname", "postgres"), ("queryid", query_id), ("user", "clients")))


async def test_executions_are_counted_exactly(postgres: PostgresServer, clients: Clients) -> None:
    query_id = await clients.execute("SELECT 1 AS counted_here", times=7)
    with scraping_postgres(postgres.dsn, **STATEMENTS) as target:
        before = await target.scrape()
        await clients.execute("SELECT 1 AS counted_here", times=5)
        after = await target.scrape()
    assert (calls_of(before, query_id), calls_of(after, query_id)) == (7, 12)
    assert before["sidecar_pg_statements_available"] == {(): 1}
    assert "pg_stat_statements_query_id" not in after


async def test_statements_that_are_not_shown_are_counted_together(postgres: PostgresServer, clients: Clients) -> None:
    slow = await clients.execute("SELECT pg_sleep(0.3) AS slow_one")
    quick = await clients.execute("SELECT 2 AS quick_one", times=3)
    with scraping_postgres(postgres.dsn, statements={"max": 1}, **STATEMENTS) as target:
        before = await target.scrape()
        await clients.execute("SELECT 2 AS quick_one", times=11)
        after = await target.scrape()
    others = (("datname", "postgres"), ("queryid", "other"))
    assert (calls_of(after, slow), calls_of(after, quick)) == (1, None)
    assert before[CALLS][others] == 0
    # The scrapes themselves and the look-up of the queryid are statements too, though not many.
    assert 11 <= after[CALLS][others] <= 40
    assert len(after[CALLS]) == 2


async def test_texts_are_shown_without_literals(postgres: PostgresServer, clients: Clients, sql: Any) -> None:
    await sql.execute("ALTER ROLE clients PASSWORD 'c4nary'")
    query_id = await clients.execute("SELECT 'c4nary' /* c4nary */ AS with_text")
    with scraping_postgres(postgres.dsn, statements={"query_text": True}, **STATEMENTS) as target:
        samples = await target.scrape()
        assert "c4nary" not in target.pages.render().decode()
    texts = {dict(labels)["queryid"]: dict(labels)["query"] for labels in samples["pg_stat_statements_query_id"]}
    assert texts[query_id] == "SELECT $1 AS with_text"
    assert "ALTER ROLE clients PASSWORD ?" in texts.values()


async def test_older_extension_on_a_newer_server_has_its_columns(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute("CREATE EXTENSION pg_stat_statements VERSION '1.7'")
    try:
        with scraping_postgres(postgres.dsn, **STATEMENTS) as target:
            samples = await target.scrape()
    finally:
        await sql.execute("DROP EXTENSION pg_stat_statements")
    assert samples["pg_scrape_collector_success"][("collector", "stat_statements"),] == 1


async def test_extension_that_is_missing_is_told(postgres: PostgresServer) -> None:
    with scraping_postgres(postgres.dsn, **STATEMENTS) as target:
        samples = await target.scrape()
    assert samples["sidecar_pg_statements_available"] == {(): 0}
    assert CALLS not in samples


async def test_extension_is_found_in_any_schema(postgres: PostgresServer, sql: Any) -> None:
    await sql.execute('CREATE SCHEMA "else where"; CREATE EXTENSION pg_stat_statements SCHEMA "else where"')
    try:
        with scraping_postgres(postgres.dsn, statements={"query_text": True}, **STATEMENTS) as target:
            samples = await target.scrape()
    finally:
        await sql.execute('DROP SCHEMA "else where" CASCADE')
    assert samples["sidecar_pg_statements_available"] == {(): 1}
    assert {CALLS, "pg_stat_statements_query_id"} <= samples.keys()


async def test_plain_role_gets_its_own_statements_only(postgres: PostgresServer, clients: Clients) -> None:
    query_id = await clients.execute("SELECT 3 AS own_one", times=2)
    with scraping_postgres(clients.dsn, **STATEMENTS) as target:
        samples = await target.scrape()
    assert calls_of(samples, query_id) == 2
    assert {dict(labels).get("user") for labels in samples[CALLS]} == {"clients", None}
