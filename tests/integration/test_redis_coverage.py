"""Every family of redis_exporter that is not a number of INFO has samples on servers of every role, live."""

import csv
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from sidecar.demo.binaries import valkey_binary
from sidecar.demo.servers import ValkeyServer
from tests.integration.servers import debian_redis
from tests.integration.targets import scraping_redis
from tests.integration.topologies.redis_cluster import RedisCluster
from tests.integration.topologies.redis_pair import RedisPair
from tests.integration.topologies.sentinel import SentinelTrio

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NUMBERS = ("INFO: ", "CLUSTER INFO: ")
"""Where the families come from that tests/unit/collect/redis/test_coverage.py is about."""
ELSEWHERE = {"redis_target_scrape_request_errors_total"}
"""About /probe, not about a server: once for the process."""
SETTINGS: dict[str, Any] = {
    "sections": {"preset": "full"},
    "ping": True,
    "streams": {"names": [{"name": "stream"}], "consumers": True},
    "keys": {
        "names": [
            {"name": "number", "value": True},
            {"name": "text", "value_as_string": True},
        ],
        "counts": [{"pattern": "num*"}],
    },
}


def load(server: ValkeyServer) -> None:
    """Give every section something to tell."""
    client: Any
    with Redis.from_url(server.url) as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.config_set("latency-monitor-threshold", 1)
        client.set("number", 7)
        client.set("text", "seven", ex=1000)
        client.execute_command("DEBUG", "SLEEP", "0.01")
        client.xadd("stream", {"a": 1})
        client.xgroup_create("stream", "group", 0)
        client.xreadgroup("group", "consumer", {"stream": ">"})
        with pytest.raises(Exception, match="WRONGTYPE"):
            client.lpop("number")


async def emitted_by(server: ValkeyServer, **settings: Any) -> set[str]:
    """Return the families that have samples."""
    with scraping_redis(server.url, **settings) as target:
        await target.scrape()
        await target.scrape()
    return {family.name for family, samples in target.batches[-1].families if samples}


async def test_every_family_has_samples_somewhere(shared_data: Path) -> None:
    with (shared_data / "exporters" / "redis_metrics.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["scope"] != "excluded"]
    expected = {row["name"] for row in rows if not row["source"].startswith(NUMBERS)} - ELSEWHERE
    emitted: set[str] = set()
    for binary in (debian_redis(), valkey_binary()):
        with ValkeyServer(binary, ["--enable-debug-command", "yes"]) as server:
            load(server)
            emitted |= await emitted_by(server, **SETTINGS)
        with RedisPair(binary) as pair:
            emitted |= await emitted_by(pair.primary)
            emitted |= await emitted_by(pair.replica)
        with SentinelTrio(binary) as trio:
            emitted |= await emitted_by(trio.sentinels[0], sections={"preset": "full"})
        with RedisCluster(binary) as cluster:
            emitted |= await emitted_by(cluster.nodes[0])
    assert sorted(expected - emitted) == []
