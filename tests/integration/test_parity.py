"""The same loaded servers scraped by Debian's exporters and by us: what differs is explained, or a defect."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.conformance.exporters.compare import compare, families_of
from tests.conformance.exporters.reviewed import Review, explanations, review
from tests.exporters import PostgresExporter, RedisExporter
from tests.integration.servers import debian_postgres_15, debian_redis
from tests.integration.targets import scraping_postgres, scraping_redis
from tests.integration.topologies.postgres_pair import PostgresPair
from tests.servers import eventually

pytestmark = [pytest.mark.integration, pytest.mark.alone("compares how long scrapes take")]


DATABASES, TABLES, ROWS = 3, 4, 500


async def load_postgres(server: PostgresServer) -> None:
    """Make databases, tables, rows, locks to count and transactions to add up."""
    connection = await asyncpg.connect(server.dsn)
    for number in range(DATABASES):
        await connection.execute(f"CREATE DATABASE parity_{number} CONNECTION LIMIT {number + 5}")
        inside = await asyncpg.connect(server.dsn_of("postgres", server.password, f"parity_{number}"))
        for table in range(4):
            await inside.execute(
                f"CREATE TABLE t{table} AS SELECT i, repeat('x', 50) AS x FROM generate_series(1, 500) i"
            )
            await inside.execute(f"CREATE INDEX ON t{table} (i); ANALYZE t{table}; UPDATE t{table} SET i = i + 1")
        await inside.close()
    await connection.execute("SELECT pg_create_physical_replication_slot('parity', true); CHECKPOINT")
    await connection.close()


async def inserted_rows(server: PostgresServer) -> int:
    """Return the rows that the statistics know of; they reach the server's views after a while."""
    connection = await asyncpg.connect(server.dsn)
    count: int = await connection.fetchval(
        "SELECT sum(tup_inserted)::int8 FROM pg_stat_database WHERE datname LIKE 'parity%'"
    )
    await connection.close()
    return count


async def load_redis(server: ValkeyServer) -> None:
    """Make keys in two databases, errors, slow commands and latencies to count."""
    client: Any
    other: Any
    async with Redis.from_url(server.url) as client, Redis.from_url(server.url.replace("/0", "/3")) as other:
        await client.config_set("slowlog-log-slower-than", 0)
        await client.config_set("latency-monitor-threshold", 1)
        await client.execute_command("DEBUG", "SLEEP", "0.01")
        for number in range(200):
            await client.set(f"key:{number}", number, ex=1000 if number % 2 else None)
            await other.rpush("list", number)
        await client.lpop("list", 5)
        for command in (("LPOP", "key:1"), ("NOSUCH",)):
            with pytest.raises(Exception, match=r"WRONGTYPE|unknown command"):
                await client.execute_command(*command)
        await client.config_set("slowlog-log-slower-than", 10_000)


def told(outcome: Review) -> str:
    return "\n".join(
        f"{family} {kind}: {'; '.join(detail.text for detail in details)}"
        for family, kind, details in outcome.unexplained
    )


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """Postgres 15 with a replica and without anybody else's databases."""
    with PostgresPair(debian_postgres_15()) as pair:
        yield pair.primary


@pytest.fixture
def redis_with_debug() -> Iterator[ValkeyServer]:
    """Redis 7.0 that can be told to be slow."""
    with ValkeyServer(debian_redis(), ["--enable-debug-command", "yes"]) as server:
        yield server


async def test_postgres_exporter_and_we_say_the_same(postgres: PostgresServer, tmp_path: Path) -> None:
    await load_postgres(postgres)
    with PostgresExporter(tmp_path, postgres.dsn) as exporter, scraping_postgres(postgres.dsn) as target:
        await target.scrape()
        await exporter.scrape()
        await eventually(partial(inserted_rows, postgres), lambda rows: rows >= DATABASES * TABLES * ROWS)
        before = await exporter.scrape()
        await target.scrape()
        after = await exporter.scrape()
        ours = target.pages.render().decode()
    assert {"pg_stat_replication_pg_wal_lsn_diff", "pg_replication_slots_active"} <= families_of(before).keys()
    outcome = review(compare(before, ours, after), explanations("postgres_exporter"))
    assert not outcome.unexplained, told(outcome)
    assert not outcome.unneeded


async def test_redis_exporter_and_we_say_the_same(redis_with_debug: ValkeyServer, tmp_path: Path) -> None:
    url = redis_with_debug.url
    await load_redis(redis_with_debug)
    with RedisExporter(tmp_path, url) as exporter, scraping_redis(url) as target:
        await target.scrape()
        await exporter.scrape()
        before = await exporter.scrape()
        await target.scrape()
        after = await exporter.scrape()
        ours = target.pages.render().decode()
    outcome = review(compare(before, ours, after), explanations("redis_exporter"))
    assert not outcome.unexplained, told(outcome)
    assert not outcome.unneeded
