"""Sections that ask more than INFO: on Redis 7.0 and Valkey 9.1, for users and servers that refuse some of it."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.collect.redis.section import version_of
from sidecar.demo.servers import ValkeyServer
from tests.integration.targets import scraping_redis

pytestmark = pytest.mark.integration

PASSWORD = "pr0be"
COMMANDS = ("set", "eval")
FURTHER = ("empty_databases", "config_values", "slowlog", "latency", "latency_histogram", "commandlog")


@pytest.fixture
async def client(redis_server: ValkeyServer) -> AsyncIterator[Any]:
    """A client of the server; the user `probe` and what a test has set are gone afterwards."""
    connected: Any = Redis.from_url(redis_server.url)
    async with connected as client:
        yield client
        await client.execute_command("ACL", "DELUSER", "probe")
        await client.config_set("latency-monitor-threshold", 0)
        await client.config_set("slowlog-log-slower-than", 10000)


def url_of(server: ValkeyServer, user: str) -> str:
    return f"redis://{user}:{PASSWORD}@{server.host}:{server.port}"


async def test_settings_are_those_of_the_server(redis_server: ValkeyServer, client: Any) -> None:
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    settings = await client.config_get("*")
    for name in ("maxmemory", "maxclients", "io-threads", "repl-backlog-size"):
        assert samples[f"redis_config_{name.replace('-', '_')}"] == {(): float(settings[name])}
    limits = samples["redis_config_client_output_buffer_limit_bytes"]
    assert limits[("class", "slave"), ("limit", "hard")] == 268435456
    assert len(limits) == 6
    assert "redis_config_key_value" not in samples


async def test_dump_has_the_settings_that_are_allowed(redis_server: ValkeyServer, client: Any) -> None:
    dump = {"sections": {"include": ["config_dump"]}, "dumped_settings": ["maxmemory-policy", "hz", "no-such-setting"]}
    with scraping_redis(redis_server.url, **dump) as target:
        samples = await target.scrape()
    policy = (await client.config_get("maxmemory-policy"))["maxmemory-policy"]
    assert set(samples["redis_config_key_value"]) == {
        (("key", "maxmemory-policy"), ("value", policy)),
        (("key", "hz"), ("value", "10")),
    }
    assert samples["redis_config_value"] == {(("key", "hz"),): 10}


async def test_empty_databases_are_told_of(redis_server: ValkeyServer, client: Any) -> None:
    await client.flushall()
    await client.set("x", 1, ex=100)
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
        assert len(samples["redis_db_keys"]) == len(samples["redis_db_keys_expiring"]) == 16
        assert [samples["redis_db_keys"][("db", name),] for name in ("db0", "db1", "db15")] == [1, 0, 0]
        await client.flushall()
        assert set((await target.scrape())["redis_db_keys"].values()) == {0}
        assert target.pages.duplicates == 0


async def test_slow_commands_are_counted(redis_server: ValkeyServer, client: Any) -> None:
    await client.slowlog_reset()
    with scraping_redis(redis_server.url) as target:
        assert (await target.scrape())["redis_slowlog_length"] == {(): 0}
        await client.config_set("slowlog-log-slower-than", 0)
        await client.get("x")
        await client.config_set("slowlog-log-slower-than", -1)
        samples = await target.scrape()
    (last, *_) = await client.slowlog_get(1)
    assert samples["redis_slowlog_length"] == {(): await client.slowlog_len()}
    assert samples["redis_slowlog_last_id"] == {(): last["id"]}
    assert samples["redis_last_slow_execution_duration_seconds"] == {(): pytest.approx(last["duration"] * 1e-6)}


async def test_latency_spikes_and_histograms(redis_server: ValkeyServer, client: Any) -> None:
    await client.config_resetstat()
    await client.config_set("latency-monitor-threshold", 1)
    await client.set("x", 1)
    await client.eval("for i = 1, 2000000 do end", 0)
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    assert samples["redis_latency_spike_duration_seconds"][("event_name", "command"),] >= 0.001
    assert samples["redis_latency_spike_last"][("event_name", "command"),] > 1_700_000_000
    buckets = samples["redis_commands_latencies_usec_bucket"]
    edges = {command: {dict(labels)["le"] for labels in buckets if ("cmd", command) in labels} for command in COMMANDS}
    assert edges["set"] == edges["eval"]
    for command in COMMANDS:
        label = ("cmd", command)
        calls = samples["redis_commands_total"][label,]
        assert samples["redis_commands_latencies_usec_count"][label,] == calls == 1
        assert buckets[label, ("le", "+Inf")] == buckets[label, ("le", "1.073741e+06")] == calls
        seconds = samples["redis_commands_duration_seconds_total"][label,]
        assert samples["redis_commands_latencies_usec_sum"][label,] == pytest.approx(seconds * 1e6)


async def test_edges_of_the_server_are_all_ours(redis_server: ValkeyServer, client: Any) -> None:
    await client.config_resetstat()
    for count in (1, 100, 1000, 10_000, 100_000, 1_000_000):
        await client.eval(f"for i = 1, {count} do local x = redis.sha1hex('x') end", 0)
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    ours = {float(dict(labels)["le"]) for labels in samples["redis_commands_latencies_usec_bucket"]}
    async with Redis.from_url(redis_server.url, protocol=2) as client:
        told: Any = await client.execute_command("LATENCY", "HISTOGRAM")
    theirs = {edge for _, _, _, histogram in told[1::2] for edge in histogram[::2]}
    assert len(theirs) > 5
    assert theirs <= ours


async def test_command_log_is_told_by_valkey_alone(redis_server: ValkeyServer, client: Any) -> None:
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    if version_of((await client.info("server")).get("valkey_version")) < (8, 1):
        assert not any(name.startswith("redis_commandlog") for name in samples)
    else:
        assert samples["redis_commandlog_slow_length"] == {(): await client.slowlog_len()}
        assert samples["redis_commandlog_execution_slower_than"] == {(): 10000}
        assert len([name for name in samples if name.startswith("redis_commandlog")]) == 9


async def test_ping_is_measured_when_asked_for(redis_server: ValkeyServer) -> None:
    with scraping_redis(redis_server.url) as target:
        samples = await target.scrape()
    assert 0 < samples["sidecar_redis_info_round_trip_seconds"][()] < 5
    assert "redis_exporter_last_scrape_ping_time_seconds" not in samples
    with scraping_redis(redis_server.url, ping=True) as target:
        assert 0 < (await target.scrape())["redis_exporter_last_scrape_ping_time_seconds"][()] < 5


async def test_restricted_user_is_warned_of_once_and_the_line_allows_everything(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "+info", "+ping")
    with scraping_redis(url_of(redis_server, "probe")) as target:
        for _ in range(2):
            await target.scrape()
        samples = await target.scrape()
        assert samples["redis_up"] == {(): 1}
        assert not any(name.startswith(("redis_slowlog", "redis_config_", "redis_commands_lat")) for name in samples)
        success = {dict(labels)["section"]: value for labels, value in samples["sidecar_redis_section_success"].items()}
        assert {name for name in success if not success[name]} == {name for name in FURTHER if name in success}
        assert success["memory"] == 1

        (warning,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
        assert warning.count("ACL SETUSER") == 1
        await client.execute_command(*warning.partition("Allow it with: ")[2].split())
        target.runner._drop_connection()  # what was refused is asked again on a new one
        samples = await target.scrape()
        assert set(samples["sidecar_redis_section_success"].values()) == {1}
        assert "redis_slowlog_length" in samples
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1


async def test_permission_that_is_taken_away_is_told_again(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "+@all")
    with scraping_redis(url_of(redis_server, "probe")) as target:
        await target.scrape()
        assert "ACL SETUSER" not in caplog.text
        await client.execute_command("ACL", "SETUSER", "probe", "-slowlog")
        assert "redis_slowlog_length" not in await target.scrape()
    assert caplog.text.count("ACL SETUSER") == 1
    assert "ACL SETUSER probe +slowlog|len +slowlog|get\n" in caplog.text


async def test_line_names_nothing_that_the_server_lacks(redis_binary: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ValkeyServer(redis_binary, ["--rename-command", "CONFIG", ""]) as server:
        connected: Any = Redis.from_url(server.url)
        async with connected as client:
            await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "+info")
            with scraping_redis(url_of(server, "probe"), sections={"preset": "full"}) as target:
                await target.scrape()
                (warning,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
                assert "config" not in warning
                await client.execute_command(*warning.partition("Allow it with: ")[2].split())
                target.runner._drop_connection()
                samples = await target.scrape()
                assert samples["redis_slowlog_length"] == {(): 0}
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1


async def test_server_without_some_commands_tells_the_rest_and_it_is_logged_once(
    redis_binary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    without = [word for name in ("CONFIG", "LATENCY", "SLOWLOG") for word in ("--rename-command", name, "")]
    with ValkeyServer(redis_binary, without) as server, scraping_redis(server.url) as target:
        for _ in range(2):
            await target.scrape()
        samples = await target.scrape()
    assert samples["redis_up"] == {(): 1}
    assert samples["redis_exporter_last_scrape_error"] == {(): 0}
    assert "redis_memory_used_bytes" in samples
    assert not any(name.startswith(("redis_config_", "redis_slowlog", "redis_latency_spike")) for name in samples)
    for section in ("config_values", "latency", "slowlog"):
        assert samples["sidecar_redis_section_success"][("section", section),] == 0
        assert caplog.text.count(f"section `{section}` is left out") == 1
    assert not any(record.levelno >= logging.WARNING for record in caplog.records)


async def test_what_is_refused_is_not_asked_at_every_scrape(redis_binary: Path) -> None:
    with ValkeyServer(redis_binary, ["--rename-command", "CONFIG", ""]) as server:
        connected: Any = Redis.from_url(server.url)
        async with connected as client:
            await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "+info", "+slowlog|len")
            queues = [{"kind": "list", "name": "q"}, {"kind": "list", "name": "q", "db": 3}]
            with scraping_redis(url_of(server, "probe"), queues=queues) as target:
                await target.scrape()
                before = await client.info("everything")
                for _ in range(3):
                    samples = await target.scrape()
                    assert samples["redis_slowlog_length"] == {(): 0}
                    assert samples["sidecar_redis_section_success"][("section", "queues"),] == 0
                after = await client.info("everything")
                for number in ("total_error_replies", "acl_access_denied_cmd"):
                    assert after.get(number) == before.get(number)


async def test_settings_are_not_asked_for_where_that_is_excluded(redis_server: ValkeyServer, client: Any) -> None:
    await client.config_resetstat()
    excluded = ["config_values", "config_dump", "empty_databases"]
    with scraping_redis(redis_server.url, sections={"exclude": excluded, "preset": "full"}) as target:
        await target.scrape()
    assert "cmdstat_config|get" not in await client.info("commandstats")


async def test_ping_that_is_not_allowed_is_not_measured_and_told(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "+info")
    with scraping_redis(url_of(redis_server, "probe"), ping=True, sections={"preset": "minimal"}) as target:
        samples = await target.scrape()
    assert samples["redis_up"] == {(): 1}
    assert "redis_exporter_last_scrape_ping_time_seconds" not in samples
    assert "Allow it with: ACL SETUSER probe +ping" in caplog.text


@pytest.mark.parametrize(("path", "allowed", "line"), [("", "+ping", "+info"), ("/1", "+info", "+info +select")])
async def test_user_that_may_not_do_the_least_is_told_what_it_takes(
    redis_server: ValkeyServer, client: Any, path: str, allowed: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    await client.execute_command("ACL", "SETUSER", "probe", "on", f">{PASSWORD}", allowed)
    with scraping_redis(url_of(redis_server, "probe") + path, sections={"preset": "minimal"}) as target:
        assert (await target.scrape())["redis_up"] == {(): 0}
        assert f"`ACL SETUSER probe {line}`" in caplog.text
        await client.execute_command("ACL", "SETUSER", "probe", *line.split())
        assert (await target.scrape())["redis_up"] == {(): 1}


async def test_secrets_of_the_server_are_on_no_page(redis_binary: Path) -> None:
    secrets = ["--requirepass", "c4nary-1", "--masterauth", "c4nary-2", "--tls-key-file-pass", "c4nary-3"]
    with ValkeyServer(redis_binary, secrets) as server:
        url = server.url.replace("redis://", "redis://:c4nary-1@")
        with scraping_redis(url, sections={"preset": "full"}) as target:
            samples = await target.scrape()
            assert "redis_config_key_value" in samples
            assert "c4nary" not in target.pages.render().decode()
