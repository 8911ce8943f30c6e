"""The Redis runner on Valkey 9.1 and Redis 7.0: values as INFO says them, and what happens when there is none."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.config import Preset
from sidecar.collect.redis.section import Section
from sidecar.demo.servers import ValkeyServer
from tests.integration.servers import full_backlog, silent_listener
from tests.integration.targets import scraping_redis

pytestmark = pytest.mark.integration

CANARY = "c4nary"


@pytest.fixture
async def client(redis_server: ValkeyServer) -> AsyncIterator[Any]:
    """A client of the server, which is empty before and after."""
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
        yield client
        await client.flushall()


async def test_every_section_succeeds(redis_server: ValkeyServer) -> None:
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    assert set(samples["sidecar_redis_section_success"].values()) == {1}
    assert samples["redis_up"] == {(): 1}
    assert samples["redis_exporter_last_scrape_error"] == {(): 0}
    assert target.batches[0].up is True
    assert target.pages.duplicates == 0


async def test_a_url_may_say_valkey(redis_server: ValkeyServer) -> None:
    with scraping_redis(redis_server.url.replace("redis://", "valkey://")) as target:
        assert (await target.scrape())["redis_up"] == {(): 1}


async def test_keys_and_commands_are_counted(redis_server: ValkeyServer, client: Any) -> None:
    await client.config_resetstat()
    await client.mset({"a": 1, "b": 2})
    await client.set("c", 3, ex=100)
    for key in ("a", "b", "x"):
        await client.get(key)
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    db0 = (("db", "db0"),)
    assert (samples["redis_db_keys"][db0], samples["redis_db_keys_expiring"][db0]) == (3, 1)
    assert (samples["redis_keyspace_hits_total"], samples["redis_keyspace_misses_total"]) == ({(): 2}, {(): 1})
    assert samples["redis_commands_total"][("cmd", "get"),] == 3
    assert samples["redis_commands_duration_seconds_total"][("cmd", "get"),] < 0.1
    assert samples["redis_latency_percentiles_usec"][("cmd", "get"), ("quantile", "99")] > 0


async def test_numbers_equal_those_of_info(redis_server: ValkeyServer, client: Any) -> None:
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
        info = await client.info("everything")
    assert samples["redis_connected_clients"] == {(): info["connected_clients"]}
    assert samples["redis_memory_max_bytes"] == {(): info["maxmemory"]}
    assert samples["redis_max_clients"] == {(): info["maxclients"]}
    assert samples["redis_process_id"] == {(): info["process_id"]}
    assert abs(samples["redis_start_time_seconds"][()] + info["uptime_in_seconds"] - time.time()) <= 2
    ((instance, _),) = samples["redis_instance_info"].items()
    assert dict(instance)["run_id"] == info["run_id"]
    assert dict(instance)["redis_mode"] == "standalone"


async def test_server_that_never_answers_ends_at_the_deadline() -> None:
    async with silent_listener() as port:
        with scraping_redis(f"redis://:{CANARY}@127.0.0.1:{port}", timeout_seconds=0.3) as target:
            started = time.monotonic()
            samples = await target.scrape()
            assert time.monotonic() - started < 3
    assert samples["redis_up"] == {(): 0}
    assert samples["redis_exporter_last_scrape_error"] == {(("err", "timeout"),): 1}
    assert len(samples["sidecar_redis_section_success"]) == sum(
        isinstance(section, Section) and Preset.BASIC.has(section.preset) and section.name != "tls"  # which few have
        for section in REDIS_SECTIONS
    )


async def test_server_that_never_connects_ends_at_the_deadline() -> None:
    with full_backlog() as port, scraping_redis(f"redis://127.0.0.1:{port}", timeout_seconds=0.3) as target:
        started = time.monotonic()
        samples = await target.scrape()
        assert time.monotonic() - started < 3
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert samples["redis_up"] == {(): 0}


async def test_paused_server_is_up_again_when_it_answers(redis_server: ValkeyServer, client: Any) -> None:
    with scraping_redis(redis_server.url, timeout_seconds=0.3) as target:
        await target.scrape()
        await client.execute_command("CLIENT", "PAUSE", "600", "ALL")
        assert (await target.scrape())["redis_up"] == {(): 0}
        async with asyncio.timeout(10):
            while (await target.scrape())["redis_up"] != {(): 1}:
                pass


async def test_restarted_server_is_asked_through_a_new_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with ValkeyServer() as server, scraping_redis(server.url) as target:
        assert (await target.scrape())["redis_up"] == {(): 1}
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert (await target.scrape())["redis_up"] == {(): 1}
        await asyncio.to_thread(server.stop)
        for _ in range(3):
            assert (await target.scrape())["redis_up"] == {(): 0}
        await asyncio.to_thread(server.start)
        assert (await target.scrape())["redis_up"] == {(): 1}
    assert (caplog.text.count("is down"), caplog.text.count("is up")) == (1, 1)


async def test_one_connection_is_kept(redis_server: ValkeyServer, client: Any) -> None:
    with scraping_redis(redis_server.url) as target:
        await target.scrape()
        before = (await client.info("stats"))["total_connections_received"]
        for _ in range(5):
            await target.scrape()
        assert (await client.info("stats"))["total_connections_received"] == before


async def test_user_that_may_only_ask_for_info_is_enough(
    redis_server: ValkeyServer, client: Any, tmp_path: Path
) -> None:
    await client.execute_command("ACL", "SETUSER", "watcher", "on", f">{CANARY}", "-@all", "+info")
    password_file = tmp_path / "password"
    password_file.write_text(f"{CANARY}\n")
    url = f"redis://{redis_server.host}:{redis_server.port}"
    try:
        with scraping_redis(url, username="watcher", password_file=str(password_file)) as target:
            assert (await target.scrape())["redis_up"] == {(): 1}
    finally:
        await client.execute_command("ACL", "DELUSER", "watcher")


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{CANARY}-wrong@127.0.0.1:%PORT%",
        f"redis://user:{CANARY}-wrong@127.0.0.1:%PORT%",
        f"redis://:{CANARY}@127.0.0.1:{CANARY}",
        f"http://:{CANARY}@127.0.0.1",
        f":{CANARY}@127.0.0.1:%PORT%",
        f"redis://127.0.0.1:%PORT%?password={CANARY}-wrong",
        f"redis://:p@ss/{CANARY}@127.0.0.1:%PORT%",
    ],
)
async def test_secret_is_in_no_log_and_on_no_page(
    valkey_9: ValkeyServer, url: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    # From a file, because the configuration itself refuses some of these.
    url_file = tmp_path / "url"
    url_file.write_text(url.replace("%PORT%", str(valkey_9.port)))
    with scraping_redis(None, url_file=str(url_file)) as target:
        samples = await target.scrape()
        page = target.pages.render().decode()
    assert samples["redis_up"] == {(): 0}
    assert "is down" in caplog.text
    assert CANARY not in caplog.text + page
