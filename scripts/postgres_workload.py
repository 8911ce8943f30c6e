"""What a Postgres server is given to do before its statistics are recorded: small, and the same each time."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.05

# What all servers that are recorded understand; PostgresPair adds what replication needs.
SETTINGS = {
    "wal_level": "logical",
    "archive_mode": "on",
    "archive_command": "true",
    "track_io_timing": "on",
    "track_functions": "all",
    "max_prepared_transactions": "5",
    "autovacuum_naptime": "1s",
    "max_slot_wal_keep_size": "1GB",  # without it no slot tells how much WAL it may still hold
}

SLOT = "repmgr_slot_2"
"""Named as by repmgr, which tells the number of the node in it."""

EVERYTHING: dict[str, Any] = {"views": {"preset": "full"}, "statements": {"query_text": True}}
"""Settings of a target that switch every view on."""

HISTORY = (
    "CREATE EXTENSION pg_stat_statements",
    "CREATE EXTENSION pg_buffercache",
    "CREATE DATABASE shop",
    "CREATE ROLE reader LOGIN CONNECTION LIMIT 5",
    "CREATE TABLE accounts (id int PRIMARY KEY, owner text, balance numeric NOT NULL DEFAULT 0)",
    "CREATE TABLE orders (id bigserial PRIMARY KEY, account int REFERENCES accounts, note text)",
    "CREATE INDEX orders_account ON orders (account)",
    "CREATE FUNCTION twice(value int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 2 * value; END'",
    "INSERT INTO accounts SELECT id, 'owner ' || id FROM generate_series(1, 1000) AS id",
    "INSERT INTO orders (account, note) SELECT 1 + id % 1000, repeat('note ', 20) FROM generate_series(1, 5000) AS id",
    "UPDATE accounts SET balance = balance + twice(id) WHERE id % 3 = 0",
    "DELETE FROM orders WHERE id % 10 = 0",
    "SELECT count(*) FROM orders WHERE account = 7",
    "SELECT count(*) FROM orders, accounts WHERE orders.account = accounts.id AND accounts.balance > 1000",
    "VACUUM ANALYZE accounts",
    "CREATE TABLE swept (id int) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,"
    " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
    "INSERT INTO swept SELECT generate_series(1, 20000)",
    "DELETE FROM swept WHERE id % 2 = 0",
    "ANALYZE orders",
    "BEGIN; INSERT INTO accounts VALUES (2001); ROLLBACK",
    "SELECT pg_create_logical_replication_slot('decoded', 'test_decoding')",
    "BEGIN; INSERT INTO accounts VALUES (2002); PREPARE TRANSACTION 'half done'",
    "SELECT pg_create_physical_replication_slot('unused', true)",
    "SELECT pg_switch_wal()",  # something to archive
    "CHECKPOINT",
)

# Each runs in a session of its own and does not end by itself.
ONGOING = (
    "BEGIN; UPDATE accounts SET balance = 0 WHERE id = 1",
    "UPDATE accounts SET balance = 1 WHERE id = 1",
    "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM orders",
)

ALL_IS_THERE = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction') = 1
   AND (SELECT count(*) FROM pg_locks WHERE NOT granted) = 1
   AND (SELECT count(*) FROM pg_stat_progress_vacuum) >= 2
   AND (SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: %.swept%') = 1
   AND (SELECT archived_count > 0 FROM pg_stat_archiver)
"""


@asynccontextmanager
async def workload(dsn: str) -> AsyncIterator[None]:
    """Leave a history behind and keep up a blocked session, an idle transaction and a vacuum inside the block."""
    connection = await asyncpg.connect(dsn, command_timeout=WAIT_SECONDS)
    for statement in HISTORY:
        await connection.execute(statement)
    sessions = [await asyncpg.connect(dsn, server_settings={"application_name": "workload"}) for _ in ONGOING]
    async with asyncio.TaskGroup() as group:
        try:
            for session, statements in zip(sessions, ONGOING, strict=True):
                group.create_task(_run(session, statements.split("; ")))
                await asyncio.sleep(POLL_SECONDS)  # the one that is to wait comes after the one it waits for
            async with asyncio.timeout(WAIT_SECONDS):
                await _until_true(connection, ALL_IS_THERE)
            yield
        finally:
            for session in sessions:
                session.terminate()
    await connection.close()


async def _run(session: asyncpg.Connection, statements: Iterable[str]) -> None:
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError):  # the end of the workload
        for statement in statements:
            await session.execute(statement)


async def _until_true(connection: asyncpg.Connection, sql: str) -> None:
    while not await connection.fetchval(sql):  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(POLL_SECONDS)
