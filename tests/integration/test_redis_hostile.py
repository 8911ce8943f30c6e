"""What a client of a server can write into INFO, on the servers themselves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from sidecar.demo.servers import ValkeyServer
from tests.integration.targets import scraping_redis

pytestmark = pytest.mark.integration

UNTOUCHED = ("redis_memory_max_bytes", "redis_max_clients", "redis_process_id", "redis_instance_info")


async def fail(client: Any, name: str) -> None:
    with pytest.raises(ResponseError):
        await client.execute_command("EVAL", f"return redis.error_reply('{name} oops')", "0")


@asynccontextmanager
async def replica(server: ValkeyServer, address: str) -> AsyncIterator[None]:
    """Be a replica of `server` that gives `address` as its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for words in (("REPLCONF", "ip-address", address), ("PSYNC", "?", "-1")):
        encoded = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        writer.write(f"*{len(words)}\r\n{encoded}".encode())
        await reader.readline()
    try:
        yield
    finally:
        writer.close()
        await writer.wait_closed()


async def test_an_error_with_a_vertical_tab_in_its_name_is_counted_and_fakes_nothing(
    redis_server: ValkeyServer,
) -> None:
    async with Redis.from_url(redis_server.url) as client:
        await client.config_resetstat()
        with scraping_redis(redis_server.url) as target:
            before = await target.scrape()
            await fail(client, r"x\11used_memory")
            await fail(client, r"role\12")
            after = await target.scrape()
    assert after["redis_errors_total"][("err", r"x\x0bused_memory"),] == 1
    assert after["redis_errors_total"][("err", r"role\x0c"),] == 1
    assert after["redis_memory_used_bytes"][()] > 100_000
    assert {name: after[name] for name in UNTOUCHED} == {name: before[name] for name in UNTOUCHED}
    assert before.keys() <= after.keys()


async def test_lines_in_the_address_of_a_replica_fake_nothing(redis_server: ValkeyServer) -> None:
    address = "1.2.3.4\r\n\r\n# Memory\r\nused_memory:7\r\nused_cpu_sys:9999\r\nmaster_replid:x\r\ndb7:keys=9\r\nx:y"
    async with replica(redis_server, address):
        with scraping_redis(redis_server.url) as target:
            samples = await target.scrape()
    assert samples["redis_memory_used_bytes"][()] > 100_000
    assert samples["redis_cpu_sys_seconds_total"][()] < 9999
    ((instance, _),) = samples["redis_instance_info"].items()
    assert len(dict(instance)["master_replid"]) == 40
    assert (("db", "db7"),) not in samples.get("redis_db_keys", {}) or samples["redis_db_keys"][("db", "db7"),] == 0


async def test_errors_of_scripts_without_end_are_summed_and_told_once(
    redis_7: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Redis.from_url(redis_7.url) as client:
        await client.config_resetstat()
        for number in range(300):
            await fail(client, f"E{number}")
        caplog.set_level(logging.WARNING)
        with scraping_redis(redis_7.url) as target:
            await target.scrape()
            await fail(client, "E0")
            samples = await target.scrape()
        await client.config_resetstat()
    errors = samples["redis_errors_total"]
    own = {dict(labels)["err"] for labels in errors if not dict(labels)["err"].startswith("E")}
    assert "other" in own
    assert len(errors) == 100 + len(own)
    assert sum(errors.values()) == 301
    assert samples["sidecar_redis_names_summed"][("list", "errorstats"),] == 200
    told = [record.getMessage() for record in caplog.records if "errorstats" in record.getMessage()]
    assert len(told) == 1
    assert "200 names" in told[0]


@asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[int]:
    """Yield the port of a server that gives `reply` to each command."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                for _ in range(2 * int(line[1:])):
                    await reader.readline()
                writer.write(reply)
                if not reply:
                    break
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def bulk(body: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(body), body)


@pytest.mark.parametrize(
    ("reply", "up"),
    [
        (b"-ERR unknown command 'INFO'\r\n", 0),
        (b"-ERR\r\n", 0),
        (b"-\r\n", 0),
        (b"-LOADING Redis is loading the dataset in memory\r\n", 0),
        (b"-BUSY Redis is busy running a script.\r\n", 0),
        (b"-NOAUTH Authentication required.\r\n", 0),
        (b"-NOPERM this user has no permissions to run the 'info' command\r\n", 0),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", 0),
        (b"-MASTERDOWN Link with MASTER is down\r\n", 0),
        (b"-CLUSTERDOWN The cluster is down\r\n", 0),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", 0),
        (b"-MOVED nowhere\r\n", 0),
        (b"-READONLY You can't write against a read only replica.\r\n", 0),
        (b"$-1\r\n", 0),
        (b"*-1\r\n", 0),
        (b":1\r\n", 0),
        (b"*2\r\n:1\r\n$-1\r\n", 0),
        (b"%1\r\n+a\r\n+b\r\n", 0),
        (b"_\r\n", 0),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 0),
        (b"", 0),
        (b"+OK\r\n", 1),
        (bulk(b""), 1),
        (bulk(b"\xff\xfe\r\nused_memory:7\r\n\x80:\x81"), 1),
        (bulk(b"# Server\r\nredis_version:%s\r\nused_memory:7\r\n" % (b"9" * 5000)), 1),
    ],
)
async def test_whatever_answers_in_a_server_s_place_is_up_or_down_and_not_an_end(
    reply: bytes, up: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(reply) as port:
        with scraping_redis(f"redis://127.0.0.1:{port}", timeout_seconds=5.0) as target:
            assert (await target.scrape())["redis_up"] == {(): up}
            samples = await target.scrape()
    assert samples["redis_up"] == {(): up}
    if b"used_memory:7" in reply:
        assert samples["redis_memory_used_bytes"] == {(): 7}
    assert ("is down" in caplog.text) is not bool(up)
