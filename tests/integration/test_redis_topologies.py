"""Replicas, Sentinels, Cluster nodes and TLS: Redis 7.0 and Valkey 9.1 as they stand in the field."""

import asyncio
import csv
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.model.labels import Labels
from tests.integration.targets import Scraped, scraping_redis
from tests.integration.topologies.redis_cluster import RedisCluster
from tests.integration.topologies.redis_pair import RedisPair
from tests.integration.topologies.sentinel import SentinelTrio
from tests.integration.topologies.tls import Authority, TlsRedis

pytestmark = pytest.mark.integration

MESSAGES = "redis_cluster_stats_messages_"

Samples = dict[str, dict[Labels, float]]


@pytest.fixture
def families(shared_data: Path) -> Callable[[str], set[str]]:
    """Return the names that redis_exporter's collector of that name always has."""
    with (shared_data / "exporters" / "redis_metrics.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return lambda collector: {row["name"] for row in rows if (row["collector"], row["scope"]) == (collector, "must")}


async def scrape_until(target: Scraped, holds: Callable[[Samples], bool]) -> Samples:
    """Scrape until `holds` is true of what was found and return that."""
    async with asyncio.timeout(20):
        while not holds(samples := await target.scrape()):  # noqa: ASYNC110 - other processes set no Event
            await asyncio.sleep(0.1)
    return samples


def by_label(samples: dict[Labels, float], label: str) -> dict[str, float]:
    return {dict(labels)[label]: value for labels, value in samples.items()}


def succeeds(samples: Samples) -> bool:
    return set(samples["sidecar_redis_section_success"].values()) == {1}


async def test_replica_tells_of_its_link_and_for_how_long_it_is_down(redis_pair: RedisPair) -> None:
    with scraping_redis(redis_pair.replica.url) as target:
        samples = await target.scrape()
        assert succeeds(samples)
        (primary,) = samples["redis_master_link_up"]
        assert dict(primary) == {"master_host": "127.0.0.1", "master_port": str(redis_pair.link.port)}
        assert samples["redis_master_link_up"][primary] == 1
        assert samples["sidecar_redis_master_link_down_seconds"][primary] == 0
        assert samples["redis_slave_info"] == {(*primary, ("read_only", "1")): 1}

        redis_pair.link.cut()
        samples = await scrape_until(target, lambda found: found["redis_master_link_up"][primary] == 0)
        before = samples["sidecar_redis_master_link_down_seconds"][primary]
        await scrape_until(target, lambda found: found["sidecar_redis_master_link_down_seconds"][primary] >= before + 1)

        redis_pair.link.restore()
        samples = await scrape_until(target, lambda found: found["redis_master_link_up"][primary] == 1)
        assert samples["sidecar_redis_master_link_down_seconds"][primary] == 0


async def test_primary_tells_of_its_replica(redis_pair: RedisPair) -> None:
    with scraping_redis(redis_pair.primary.url) as target:
        samples = await target.scrape()
    assert samples["redis_connected_slaves"] == {(): 1}
    ((labels, offset),) = samples["redis_connected_slave_offset_bytes"].items()
    assert dict(labels)["slave_port"] == str(redis_pair.replica.port)
    assert offset <= samples["redis_master_repl_offset"][()]
    assert "redis_master_link_up" not in samples
    assert "sidecar_redis_master_link_down_seconds" not in samples


async def test_each_cluster_node_tells_of_its_cluster(
    redis_cluster: RedisCluster, families: Callable[[str], set[str]]
) -> None:
    for node in redis_cluster.nodes:
        with scraping_redis(node.url) as target:
            samples = await target.scrape()
        assert succeeds(samples)
        assert {name for name in families("cluster") if not name.startswith(MESSAGES)} <= set(samples)
        assert samples["redis_cluster_enabled"] == samples["redis_cluster_state"] == {(): 1}
        assert samples["redis_cluster_slots_assigned"] == samples["redis_cluster_slots_ok"] == {(): 16384}
        assert samples["redis_cluster_known_nodes"] == samples["redis_cluster_size"] == {(): 3}
        assert samples[f"{MESSAGES}ping_sent"][()] > 0


async def test_cluster_node_without_its_slots_is_not_well(redis_cluster: RedisCluster) -> None:
    node = redis_cluster.nodes[0]
    with scraping_redis(node.url) as target:
        await asyncio.to_thread(node.cluster, "DELSLOTS", 0)
        samples = await scrape_until(target, lambda found: found["redis_cluster_state"] == {(): 0})
        assert samples["redis_cluster_slots_assigned"] == {(): 16383}
        await asyncio.to_thread(node.cluster, "ADDSLOTS", 0)
        await scrape_until(target, lambda found: found["redis_cluster_state"] == {(): 1})


async def test_each_sentinel_tells_of_itself_and_its_primary(
    sentinels: SentinelTrio, families: Callable[[str], set[str]]
) -> None:
    for sentinel in sentinels.sentinels:
        with scraping_redis(sentinel.url, sections={"include": ["config_dump"]}) as target:
            samples = await target.scrape()
        assert succeeds(samples)
        assert families("sentinel") <= set(samples)
        primary = (("master_address", f"127.0.0.1:{sentinels.primary.port}"), ("master_name", "main"))
        assert samples["redis_sentinel_master_status"] == {(*primary, ("master_status", "ok")): 1}
        assert set(samples["redis_sentinel_master_ckquorum_status"].values()) == {1}
        assert samples["redis_sentinel_master_slaves"] == samples["redis_sentinel_master_ok_slaves"] == {primary: 1}
        assert samples["redis_sentinel_master_sentinels"] == samples["redis_sentinel_master_ok_sentinels"]
        assert samples["redis_sentinel_master_ok_sentinels"] == {primary: 3}
        assert len(samples["redis_sentinel_peer_info"]) == 2
        assert "sentinel-pass" not in by_label(samples["redis_sentinel_config_key_value"], "key")


async def test_line_for_a_restricted_user_allows_everything_on_sentinels_and_cluster_nodes(
    sentinels: SentinelTrio, redis_cluster: RedisCluster, caplog: pytest.LogCaptureFixture
) -> None:
    for server in (sentinels.sentinels[0], redis_cluster.nodes[0]):
        caplog.clear()
        connected: Any = Redis.from_url(server.url)
        async with connected as client:
            await client.execute_command("ACL", "SETUSER", "probe", "on", ">pr0be", "+info")
            url = f"redis://probe:pr0be@{server.host}:{server.port}"
            with scraping_redis(url, sections={"preset": "full"}) as target:
                assert not succeeds(await target.scrape())
                (warning,) = (record.getMessage() for record in caplog.records)
                await client.execute_command(*warning.partition("Allow it with: ")[2].split())
                target.runner._drop_connection()  # what was refused is asked again on a new one
                assert succeeds(await target.scrape())
            await client.execute_command("ACL", "DELUSER", "probe")


async def test_sentinel_left_alone_has_no_quorum(redis_binary: Path) -> None:
    with SentinelTrio(redis_binary) as trio, scraping_redis(trio.sentinels[0].url) as target:
        await target.scrape()
        for sentinel in trio.sentinels[1:]:
            await asyncio.to_thread(sentinel.kill)
        samples = await scrape_until(
            target, lambda found: set(found["redis_sentinel_master_ckquorum_status"].values()) == {0}
        )
        assert all(
            "NOQUORUM" in message for message in by_label(samples["redis_sentinel_master_ckquorum_status"], "message")
        )
        assert set(samples["redis_sentinel_master_ok_sentinels"].values()) == {1}
        assert set(samples["redis_sentinel_master_sentinels"].values()) == {3}
        assert succeeds(samples)


async def test_tls_with_authority_and_client_certificate(tls_redis: TlsRedis, authority: Authority) -> None:
    tls = {
        "ca_file": str(authority.ca),
        "certificate_file": str(authority.client),
        "key_file": str(authority.client_key),
    }
    with scraping_redis(tls_redis.tls_url, tls=tls) as target:
        samples = await target.scrape()
    assert samples["redis_up"] == {(): 1}
    assert succeeds(samples)
    ends = samples["sidecar_redis_tls_certificate_expiry_timestamp_seconds"][("certificate", "server"),]
    assert 1.5 * 86400 < ends - time.time() <= 2 * 86400


@pytest.mark.parametrize("missing", ["ca_file", "certificate_file"])
async def test_tls_without_what_it_takes_is_down(tls_redis: TlsRedis, authority: Authority, missing: str) -> None:
    tls = {
        "ca_file": str(authority.ca),
        "certificate_file": str(authority.client),
        "key_file": str(authority.client_key),
    }
    del tls[missing]
    if missing == "certificate_file":
        del tls["key_file"]
    with scraping_redis(tls_redis.tls_url, tls=tls) as target:
        samples = await target.scrape()
    assert samples["redis_up"] == {(): 0}


async def test_unchecked_server_is_scraped_when_asked_for(tls_redis: TlsRedis, authority: Authority) -> None:
    tls = {
        "certificate_file": str(authority.client),
        "key_file": str(authority.client_key),
        "insecure_skip_verify": True,
    }
    with scraping_redis(tls_redis.tls_url, tls=tls) as target:
        samples = await target.scrape()
    assert samples["redis_up"] == {(): 1}
    assert "sidecar_redis_tls_certificate_expiry_timestamp_seconds" not in samples


async def test_name_of_the_server_is_told_to_it(authority: Authority) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server, authority.server_key)
    context.sni_callback = lambda connection, name, own: names.append(name)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with scraping_redis(f"rediss://localhost:{port}", tls={"ca_file": str(authority.ca)}) as target:
            assert (await target.scrape())["redis_up"] == {(): 0}  # its certificate is not for that name
    assert names == ["localhost"]


async def test_certificates_are_read_for_each_connection(
    tls_redis: TlsRedis, authority: Authority, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.crt"
    own = {"certificate_file": str(authority.client), "key_file": str(authority.client_key)}
    with scraping_redis(tls_redis.tls_url, tls={"ca_file": str(ca), **own}) as target:
        assert (await target.scrape())["redis_up"] == {(): 0}
        ca.write_text(authority.ca.read_text())
        assert (await target.scrape())["redis_up"] == {(): 1}
