"""Databases in every kind of trouble at once: each scrape ends, the others go on, all that recovers does so alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.integration.servers import full_backlog, silent_listener
from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = """\
scrape_interval_seconds: 0.5
postgres:
  - {name: good, dsn: "${GOOD}", timeout_seconds: 2}
  - {name: troubled, dsn: "${TROUBLED}", timeout_seconds: 2}
  - {name: silent, dsn: "${SILENT}", timeout_seconds: 1}
  - {name: unreachable, dsn: "${UNREACHABLE}", timeout_seconds: 1}
redis:
  - {name: good, url: "${GOOD_REDIS}", timeout_seconds: 1}
  - {name: troubled, url: "${TROUBLED_REDIS}", timeout_seconds: 1}
  - {name: silent, url: "${SILENT_REDIS}", timeout_seconds: 1}
"""
OURS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sidecar/%'"
PROBE_TIMEOUT = aiohttp.ClientTimeout(total=1)
"""As the kubelet's default."""


class Servers(NamedTuple):
    """A Postgres and a Redis."""

    postgres: PostgresServer
    redis: ValkeyServer


class Watched:
    """A sidecar whose probes and connections are watched all the time."""

    def __init__(self, sidecar: Sidecar, good: Servers, troubled: Servers) -> None:
        self.url = sidecar.url
        self.good = good
        self.troubled = troubled
        self.stopping = False
        self.probes: Counter[int | str] = Counter()
        self.most_connections = {"postgres": 0, "redis": 0}

    async def values(self) -> Mapping[str, float]:
        """Return what is on /metrics."""
        status, text = await get_text(f"{self.url}/metrics")
        assert status == 200
        return samples_of(text)

    async def until(self, good: Callable[[Mapping[str, float]], bool]) -> Mapping[str, float]:
        """Wait until /metrics shows what is wanted."""
        return await eventually(self.values, good)

    async def ups(self) -> dict[str, float]:
        """Return which targets are up."""
        values = await self.values()
        return {
            name: values.get(f'sidecar_target_up{{kind="{kind}",target="{target}"}}', -1.0)
            for name in ALL
            for kind, target in [name.split("/")]
        }

    async def watch_probes(self) -> None:
        """Ask /livez and /readyz/self all the time, as the kubelet would."""
        async with aiohttp.ClientSession(timeout=PROBE_TIMEOUT) as session:
            while not self.stopping:
                for path in ("livez", "readyz/self"):
                    try:
                        async with session.get(f"{self.url}/{path}") as response:
                            self.probes[response.status] += 1
                    except (TimeoutError, aiohttp.ClientError) as error:
                        self.probes[type(error).__name__] += 1
                await asyncio.sleep(0.02)

    async def enough_probes(self) -> None:
        """Wait until so many were answered that they say something."""

        async def answered() -> int:
            return sum(self.probes.values())

        await eventually(answered, lambda count: count > 100)

    async def watch_connections(self) -> None:
        """Count our connections to the two good servers all the time."""
        postgres = await asyncpg.connect(self.good.postgres.dsn)
        redis: Any
        try:
            async with Redis.from_url(self.good.redis.url, client_name="watcher") as redis:
                while not self.stopping:
                    self._most("postgres", len(await postgres.fetch(OURS)))
                    clients = [each for each in await redis.client_list() if each["name"] != "watcher"]
                    self._most("redis", len(clients))
                    await asyncio.sleep(0.005)
        finally:
            postgres.terminate()
            await asyncio.sleep(0)

    def _most(self, server: str, count: int) -> None:
        self.most_connections[server] = max(self.most_connections[server], count)


ALL = (
    "postgres/good",
    "postgres/troubled",
    "postgres/silent",
    "postgres/unreachable",
    "redis/good",
    "redis/troubled",
    "redis/silent",
)
WITHOUT_TROUBLE = {name: float("good" in name or "troubled" in name) for name in ALL}


def down(*names: str) -> dict[str, float]:
    """Return who should be up while `names` are in trouble."""
    return {name: 0.0 if name in names else up for name, up in WITHOUT_TROUBLE.items()}


@pytest.fixture
async def watched(postgres: PostgresServer, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Watched]:
    """A sidecar with seven targets, some of which never answer."""
    async with silent_listener() as silent:
        with full_backlog() as unreachable, PostgresServer(postgres_18_bin_dir()) as troubled, ValkeyServer() as paused:
            env = {
                "GOOD": postgres.dsn,
                "TROUBLED": troubled.dsn,
                "SILENT": f"postgresql://u:p@127.0.0.1:{silent}/x?sslmode=disable",
                "UNREACHABLE": f"postgresql://u:p@127.0.0.1:{unreachable}/x",
                "GOOD_REDIS": valkey.url,
                "TROUBLED_REDIS": paused.url,
                "SILENT_REDIS": f"redis://127.0.0.1:{silent}/0",
            }
            with Sidecar(tmp_path, CONFIG, env) as sidecar:
                watching = Watched(sidecar, Servers(postgres, valkey), Servers(troubled, paused))
                async with asyncio.TaskGroup() as group:
                    group.create_task(watching.watch_probes())
                    group.create_task(watching.watch_connections())
                    await eventually(watching.ups, lambda ups: ups == WITHOUT_TROUBLE)
                    yield watching
                    await watching.enough_probes()
                    # Not by cancelling: redis-py's client may go on after it.
                    watching.stopping = True
    assert set(watching.probes) == {200}, watching.probes


async def test_fifty_parallel_requests_open_no_connection_of_their_own(watched: Watched) -> None:
    url = watched.url
    paths = ["metrics", "probe?target=postgres/good", "probe?target=redis/good", "probe?target=postgres/silent"]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:

        async def ask(path: str) -> int:
            async with session.get(f"{url}/{path}") as response:
                await response.read()
                return response.status

        for _ in range(4):
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(ask(paths[number % 4])) for number in range(50)]
            assert {task.result() for task in asked} == {200}
    assert watched.most_connections == {"postgres": 1, "redis": 1}


async def test_locked_table_a_paused_redis_and_a_storm_of_terminations(watched: Watched) -> None:
    admin = await asyncpg.connect(watched.troubled.postgres.dsn)
    await admin.execute("CREATE TABLE locked (i int); INSERT INTO locked VALUES (1)")
    async with admin.transaction():
        await admin.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        scrapes = (await watched.values())[TROUBLED_SCRAPES]
        values = await watched.until(lambda values: values[TROUBLED_SCRAPES] >= scrapes + 3)
        assert values['pg_scrape_collector_success{collector="stat_user_tables",target="troubled"}'] == 1
        assert values['pg_up{target="troubled"}'] == 1

    redis: Any
    async with Redis.from_url(watched.troubled.redis.url) as redis:
        await redis.client_pause(4000, all=True)
        await eventually(watched.ups, lambda ups: ups == down("redis/troubled"))
        assert (await watched.values())['redis_up{target="troubled"}'] == 0
        await eventually(watched.ups, lambda ups: ups == WITHOUT_TROUBLE)

    for _ in range(60):
        await admin.execute(f"SELECT pg_terminate_backend(pid) FROM ({OURS}) AS ours")
        await asyncio.sleep(0.05)
    assert (await watched.ups())["postgres/good"] == 1
    await eventually(watched.ups, lambda ups: ups == WITHOUT_TROUBLE)
    assert len(await admin.fetch(OURS)) <= 2
    await admin.close()


async def test_restarted_servers_are_down_and_come_back(watched: Watched) -> None:
    await asyncio.to_thread(watched.troubled.postgres.kill)
    await asyncio.to_thread(watched.troubled.redis.kill)
    await eventually(watched.ups, lambda ups: ups == down("postgres/troubled", "redis/troubled"))
    values = await watched.values()
    assert (values['pg_up{target="troubled"}'], values['pg_up{target="good"}']) == (0, 1)
    success = {
        value
        for name, value in values.items()
        if name.startswith("pg_scrape_collector_success") and 'target="troubled"' in name
    }
    assert success == {0}
    await asyncio.to_thread(watched.troubled.postgres.start)
    await asyncio.to_thread(watched.troubled.redis.start)
    await eventually(watched.ups, lambda ups: ups == WITHOUT_TROUBLE)


TROUBLED_SCRAPES = 'sidecar_target_scrapes_total{kind="postgres",target="troubled"}'
