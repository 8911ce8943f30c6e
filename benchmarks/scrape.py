"""What scraping Postgres and Redis costs us and them, beside the exporters on the same servers in the same run.

    scripts/bench scrape [--cycles N] [--save] [--against REV]

Postgres 15 with five databases and sixty tables, Redis 7.0 with keys in several databases. A cycle is one scrape of the
target and one GET of /metrics. CPU is that of the scraping process; `net` is without what a sidecar uses that has
nothing to scrape, since it also shows what it is itself. Statements and their time are what pg_stat_statements counts
for the scraper's own role, commands and their time what Redis says in INFO commandstats. `same families` leaves out the
views and sections that the exporters do not have.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import asyncpg
from redis.asyncio import Redis

from benchmarks.against.figures import Figure, add_options, write
from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.exporters import PostgresExporter, RedisExporter
from tests.integration.servers import DEBIAN_POSTGRES_15
from tests.servers import Program, Sidecar, get_text

ROOT = Path(__file__).parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CYCLE_SECONDS = 0.1
TABLE_SQL = """
CREATE TABLE t{table} AS SELECT i, repeat('x', 40) AS x FROM generate_series(1, 300) i;
CREATE INDEX ON t{table} (i)
"""
SAME_VIEWS = {"database", "database_size", "locks", "replication", "replication_slots", "settings", "stat_activity"}
SAME_VIEWS |= {"stat_archiver", "stat_bgwriter", "stat_database", "stat_database_conflicts", "stat_replication"}
NOT_OF_THE_EXPORTER = {"cluster_info", "commandlog", "latency_histogram", "sentinel", "tls"}


@dataclass(frozen=True)
class Result:
    """One scraper and one server."""

    scraper: str
    server: str
    cpu_ms: float
    net_cpu_ms: float
    samples: int
    statements: float
    server_ms: float
    rss_mb: float


@dataclass(frozen=True)
class Work:
    """What a server has done so far for a scraper: statements or commands, and their time."""

    count: float
    milliseconds: float


Counting = Callable[[], Awaitable[Work]]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    add_options(parser)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, servers() as (postgres, redis):
        results = asyncio.run(measure_all(Path(folder), postgres, redis, options.cycles, options.alone))
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(results, load_before)
    write(options.figures, figures_of(results))


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def servers() -> Iterator[tuple[PostgresServer, ValkeyServer]]:
    """Yield the two servers."""
    binary = which("redis-server")
    if not DEBIAN_POSTGRES_15.is_dir() or binary is None:
        sys.exit("Debian's postgresql-15 and redis-server are needed: scripts/setup test")
    with (
        PostgresServer(DEBIAN_POSTGRES_15, {"pg_stat_statements.track_planning": "on"}) as postgres,
        ValkeyServer(Path(binary)) as redis,
    ):
        yield postgres, redis


async def load(postgres: PostgresServer, redis: ValkeyServer) -> None:
    """Fill the servers."""
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE EXTENSION pg_stat_statements")
    for role in ("exporter", "same", "default"):
        await connection.execute(f"CREATE ROLE r_{role} LOGIN PASSWORD 'bench'; GRANT pg_monitor TO r_{role}")
    for number in range(4):
        await connection.execute(f"CREATE DATABASE shop_{number}")
    for table in range(60):
        await connection.execute(TABLE_SQL.format(table=table))
    await connection.close()
    client: Any
    async with Redis.from_url(redis.url) as client:
        for number in range(2000):
            await client.set(f"key:{number}", number, ex=1000 if number % 2 else None)
        await client.config_set("slowlog-log-slower-than", 0)
        for command in ("GET", "HGETALL", "TTL", "STRLEN", "EXISTS"):
            await client.execute_command(command, "nothing")
        await client.config_set("slowlog-log-slower-than", 10_000)


def figures_of(results: Sequence[Result]) -> Iterator[Figure]:
    """Yield the figures of the sidecar."""
    for result in results:
        if result.scraper.startswith("sidecar"):
            where = f"{result.scraper}, {result.server}"
            yield Figure(f"{where}: CPU ms a cycle", result.cpu_ms)
            yield Figure(f"{where}: statements a cycle", result.statements)
            yield Figure(f"{where}: ms of the server a cycle", result.server_ms)
            yield Figure(f"{where}: RSS MB", result.rss_mb)


async def measure_all(
    folder: Path, postgres: PostgresServer, redis: ValkeyServer, cycles: int, alone: bool
) -> list[Result]:
    """Measure each scraper on each server, printing as it goes; without the exporters if `alone`."""
    await load(postgres, redis)
    say(
        f"{'server':<9} {'scraper':<22} {'CPU ms':>7} {'net':>6} {'samples':>8} {'statements':>11}"
        f" {'server ms':>10} {'RSS MB':>7}"
    )
    results = []

    async def add(name: str, server: str, program: Program, counting: Counting, idle_ms: float = 0.0) -> None:
        result = await measure(name, server, program, counting, cycles, idle_ms)
        results.append(result)
        say(
            f"{server:<9} {name:<22} {result.cpu_ms:>7.2f} {result.net_cpu_ms:>6.2f} {result.samples:>8}"
            f" {result.statements:>11.1f} {result.server_ms:>10.2f} {result.rss_mb:>7.0f}"
        )

    def place(name: str) -> Path:
        path = folder / name
        path.mkdir()
        return path

    def dsn(role: str) -> str:
        return postgres.dsn_of(f"r_{role}", "bench")

    with sidecar(place("idle"), "") as idle:
        idle_ms = (await measure("idle", "", idle, nothing, cycles, 0.0)).cpu_ms
    say(f"{'':<9} {'sidecar, no target':<22} {idle_ms:>7.2f}")
    if not alone:
        with PostgresExporter(place("pe"), dsn("exporter")) as exporter:
            await add("postgres_exporter", "postgres", exporter, statements_of(postgres, "r_exporter"))
    for scraper, settings in (("same", same("views", SAME_VIEWS, POSTGRES_VIEWS)), ("default", "")):
        config = f"postgres: [{{dsn: '{dsn(scraper)}', scrape_interval_seconds: {CYCLE_SECONDS}{settings}}}]"
        with sidecar(place(f"pg-{scraper}"), config) as ours:
            name = "sidecar, same families" if scraper == "same" else "sidecar"
            await add(name, "postgres", ours, statements_of(postgres, f"r_{scraper}"), idle_ms)
    if not alone:
        with RedisExporter(place("re"), redis.url) as exporter:
            await add("redis_exporter", "redis", exporter, commands_of(redis))
    same_sections = {section.name for section in REDIS_SECTIONS} - NOT_OF_THE_EXPORTER
    for scraper, settings in (("same", same("sections", same_sections, REDIS_SECTIONS)), ("default", "")):
        config = f"redis: [{{url: '{redis.url}', scrape_interval_seconds: {CYCLE_SECONDS}{settings}}}]"
        with sidecar(place(f"redis-{scraper}"), config) as ours:
            name = "sidecar, same families" if scraper == "same" else "sidecar"
            await add(name, "redis", ours, commands_of(redis), idle_ms)
    return results


def same(key: str, wanted: set[str], known: Sequence[Any]) -> str:
    """Return the setting that leaves out what the exporters do not have."""
    excluded = [each.name for each in known if each.name not in wanted]
    return f", {key}: {{exclude: [{', '.join(excluded)}]}}"


def sidecar(folder: Path, config: str) -> Sidecar:
    """Return a sidecar that does nothing else often."""
    return Sidecar(folder, f"scrape_interval_seconds: 3600\n{config}\n")


async def nothing() -> Work:
    """Return that no server works."""
    return Work(0, 0)


def statements_of(server: PostgresServer, role: str) -> Counting:
    """Return how to count the statements of `role`."""

    async def count() -> Work:
        connection = await asyncpg.connect(server.dsn)
        row = await connection.fetchrow(
            "SELECT COALESCE(sum(calls), 0)::float8 AS calls,"
            " COALESCE(sum(total_exec_time + total_plan_time), 0)::float8 AS ms"
            " FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = $1",
            role,
        )
        await connection.close()
        assert row is not None
        return Work(row["calls"], row["ms"])

    return count


def commands_of(server: ValkeyServer) -> Counting:
    """Return how to count the commands of everybody; nobody else is there."""

    async def count() -> Work:
        client: Any
        async with Redis.from_url(server.url) as client:
            stats = (await client.info("commandstats")).values()
        return Work(sum(each["calls"] for each in stats), sum(each["usec"] for each in stats) / 1000)

    return count


async def measure(name: str, server: str, program: Program, counting: Counting, cycles: int, idle_ms: float) -> Result:
    """Let `program` scrape `cycles` times after a few to warm up."""
    for _ in range(10):
        first = scrapes_in(await cycle(program))
    before, cpu = await counting(), cpu_seconds(program.pid)
    begun = time.monotonic()
    text = ""
    for number in range(cycles):
        text = await cycle(program)
        await asyncio.sleep(begun + (number + 1) * CYCLE_SECONDS - time.monotonic())
    done = scrapes_in(text) - first or cycles
    used, after = cpu_seconds(program.pid) - cpu, await counting()
    samples = sum(line.startswith(("pg_", "redis_", "sidecar_pg", "sidecar_redis")) for line in text.splitlines())
    return Result(
        scraper=name,
        server=server,
        cpu_ms=used / done * 1000,
        net_cpu_ms=used / done * 1000 - idle_ms,
        samples=samples,
        statements=(after.count - before.count) / done,
        server_ms=(after.milliseconds - before.milliseconds) / done,
        rss_mb=program.rss_mb,
    )


async def cycle(program: Program) -> str:
    """Ask once for /metrics; the exporters scrape then, the sidecar on its own interval of the same length."""
    status, text = await get_text(f"{program.url}/metrics")
    assert status == 200, text
    return text


def scrapes_in(text: str) -> int:
    """Return how often the sidecar has scraped its target by now, 0 for an exporter, which does so at each GET."""
    counts = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("sidecar_target_scrapes_total{")]
    return int(float(counts[0])) if counts else 0


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that process `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def save(results: Sequence[Result], load_before: float) -> None:
    """Write the figures beside earlier ones."""
    now = datetime.now(UTC)
    path = ROOT / "benchmarks" / "results" / f"{now:%Y-%m-%d}-scrape.json"
    facts = {"time": now.isoformat(timespec="seconds"), "load_average": load_before, "processors": os.cpu_count()}
    path.write_text(json.dumps({**facts, "results": [asdict(result) for result in results]}, indent=1) + "\n")
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
