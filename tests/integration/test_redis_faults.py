"""Redis servers that fail half way: what was collected stays, and the deadline holds."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.collect.redis.sections.config_values import LIMITS, VALUES
from sidecar.demo.servers import HOST, ValkeyServer
from tests.integration.targets import scraping_redis

pytestmark = pytest.mark.integration

INFO = b"redis_version:7.0.15\r\nused_memory:42\r\nuptime_in_seconds:7\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


SETTINGS = b"".join(b"*2\r\n" + bulk(name.encode()) + bulk(b"5") for name in (*VALUES, LIMITS))


@asynccontextmanager
async def half_dead_server(answers: bytes, hangs_up: bool = False) -> AsyncIterator[int]:
    """Yield the port of a server that answers INFO, then `answers` to whatever comes, and then nothing."""
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"ALL\r\n")
        writer.write(bulk(INFO))
        await reader.readuntil(b"\r\n")
        writer.write(answers)
        if not hangs_up:
            await release.wait()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        release.set()
        await asyncio.sleep(0)


async def test_server_that_hangs_after_info_is_up_and_the_scrape_is_cut_short(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with half_dead_server(SETTINGS) as port:
        with scraping_redis(f"redis://{HOST}:{port}", timeout_seconds=0.4) as target:
            started = time.monotonic()
            samples = await target.scrape()
            assert time.monotonic() - started < 3
    assert samples["redis_up"] == {(): 1}
    assert samples["redis_exporter_last_scrape_error"] == {(("err", "timeout"),): 1}
    assert samples["redis_memory_used_bytes"] == {(): 42}
    assert samples["redis_config_maxclients"] == {(): 5}
    success = samples["sidecar_redis_section_success"]
    assert success[("section", "memory"),] == success[("section", "config_values"),] == 1
    assert success[("section", "slowlog"),] == success[("section", "latency"),] == 0
    assert "scrape ended early" in caplog.text


async def test_server_that_hangs_up_after_info_is_up_and_the_scrape_is_cut_short(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with half_dead_server(SETTINGS, hangs_up=True) as port:
        with scraping_redis(f"redis://{HOST}:{port}") as target:
            samples = await target.scrape()
    assert samples["redis_up"] == {(): 1}
    assert samples["redis_memory_used_bytes"] == {(): 42}
    assert samples["redis_config_maxclients"] == {(): 5}
    assert samples["sidecar_redis_section_success"][("section", "slowlog"),] == 0
    assert "scrape ended early" in caplog.text


async def test_pause_longer_than_the_deadline_is_down_until_it_ends(
    redis_binary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with ValkeyServer(redis_binary) as server, scraping_redis(server.url, timeout_seconds=0.3) as target:
        assert (await target.scrape())["redis_up"] == {(): 1}
        async with Redis.from_url(server.url) as client:
            await client.client_pause(1500)
        for _ in range(2):
            started = time.monotonic()
            samples = await target.scrape()
            assert 0.25 < time.monotonic() - started < 3
            assert samples["redis_up"] == {(): 0}
            assert "redis_memory_used_bytes" not in samples
        async with asyncio.timeout(10):
            while "redis_slowlog_length" not in await target.scrape():
                pass
    assert (caplog.text.count("is down"), caplog.text.count("is up")) == (1, 1)


async def test_refused_answers_do_not_come_back_at_the_next_scrape(redis_binary: Path) -> None:
    with ValkeyServer(redis_binary, ["--rename-command", "CONFIG", ""]) as server, scraping_redis(server.url) as target:
        for _ in range(3):
            samples = await target.scrape()
            assert samples["redis_slowlog_length"] == {(): 0}
            assert samples["redis_exporter_last_scrape_error"] == {(): 0}


async def test_configured_password_wins_over_that_of_the_url(valkey_9: ValkeyServer, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(f"{valkey_9.password}\n")
    url = f"redis://:wr0ng@{valkey_9.host}:{valkey_9.port}"
    with scraping_redis(url, password_file=str(password_file)) as target:
        assert (await target.scrape())["redis_up"] == {(): 1}


async def test_server_that_is_down_is_not_said_to_be_what_it_is_not() -> None:
    with ValkeyServer() as server, scraping_redis(server.url) as target:
        before = await target.scrape()
        await asyncio.to_thread(server.stop)
        samples = await target.scrape()
    successes = samples["sidecar_redis_section_success"]
    assert set(successes) == set(before["sidecar_redis_section_success"])
    assert set(successes.values()) == {0}
    sections = {dict(labels)["section"] for labels in successes}
    assert not {"sentinel", "tls", "queues", "streams", "cluster_info"} & sections


KEYS: dict[str, Any] = {
    "queues": [{"kind": "celery", "name": "celery"}],
    "keys": {"names": [{"name": "k1"}], "counts": [{"pattern": "k*"}]},
}


@pytest.mark.alone("the server loads for two seconds")
async def test_server_that_loads_tells_all_but_its_keys(redis_binary: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with (
        ValkeyServer(
            redis_binary, ["--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"]
        ) as server,
        scraping_redis(server.url, **KEYS) as target,
    ):
        connected: Any = Redis.from_url(server.url, socket_timeout=None)
        async with connected as client, asyncio.TaskGroup() as group:
            await client.mset({f"k{number}": "x" * 100 for number in range(2000)})
            await target.scrape()
            await client.config_set("key-load-delay", 1000)
            group.create_task(client.execute_command("DEBUG", "RELOAD"))
            async with asyncio.timeout(10):
                while (samples := await target.scrape())["redis_loading_dump_file"] != {(): 1}:
                    pass
            assert samples["redis_up"] == {(): 1}
            assert samples["redis_exporter_last_scrape_error"] == {(): 0}
            failed = [
                dict(labels)["section"] for labels, ok in samples["sidecar_redis_section_success"].items() if not ok
            ]
            assert failed == ["keys", "queues"]
            assert samples["redis_slowlog_length"] == {(): 0}
        samples = await target.scrape()
    assert samples["redis_key_size"] == {(("db", "db0"), ("key", "k1")): 100}
    assert set(samples["sidecar_redis_section_success"].values()) == {1}
    for section in ("queues", "keys"):
        assert caplog.text.count(f"section `{section}` is left out, the server says: Redis is loading") <= 1
    assert caplog.text.count("the server says") == 2
    assert not any(record.levelno >= logging.WARNING for record in caplog.records)
