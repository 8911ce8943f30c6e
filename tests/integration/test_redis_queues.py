"""Queues, streams and keys on Valkey 9.1 and Redis 7.0: keys as the libraries write them, and what is not allowed."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.demo.servers import ValkeyServer
from sidecar.model.labels import Labels, labels_of
from tests.integration.targets import scraping_redis
from tests.integration.topologies.redis_cluster import RedisCluster

pytestmark = pytest.mark.integration

SEPARATOR = "\x06\x16"


@pytest.fixture
async def client(redis_server: ValkeyServer) -> AsyncIterator[Any]:
    """A client of the server, which is empty before and after."""
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
        yield client
        await client.flushall()


def url_of(server: ValkeyServer, database: int) -> str:
    """Return the URL of another database than 0."""
    return f"{server.url.removesuffix('/0')}/{database}"


def of(kind: str, queue: str, state: str, db: str = "db0", group: str = "") -> Labels:
    """Return the labels of a queue's sample."""
    return labels_of({"db": db, "group": group, "kind": kind, "queue": queue, "state": state})


async def depths(server: ValkeyServer, *queues: Mapping[str, Any]) -> dict[Labels, float]:
    """Return the depths of `queues` after one scrape, which has to succeed."""
    with scraping_redis(server.url, queues=queues) as target:
        samples = await target.scrape()
    assert samples["sidecar_redis_section_success"][("section", "queues"),] == 1
    return samples["sidecar_queue_depth"]


async def test_every_queue_is_empty_when_its_key_is_gone(redis_server: ValkeyServer, client: Any) -> None:
    queues = [
        {"kind": "celery", "name": "celery"},
        {"kind": "rq", "name": "default"},
        {"kind": "arq"},
        {"kind": "bullmq", "name": "emails"},
        {"kind": "stream", "name": "events", "group": "workers"},
        *({"kind": kind, "name": kind} for kind in ("list", "set", "zset", "hash")),
    ]
    await client.config_resetstat()
    found = await depths(redis_server, *queues)
    assert len(found) == 2 + 7 + 2 + 8 + 3 + 4
    assert set(found.values()) == {0}
    assert await client.info("errorstats") == {}


async def test_celery_sums_its_priorities_and_shows_what_is_unacked_once(
    redis_server: ValkeyServer, client: Any
) -> None:
    # kombu/transport/redis.py: Channel._put pushes to the list of the priority, QoS.append writes hash and index.
    await client.lpush("celery", "m1", "m2")
    await client.lpush(f"celery{SEPARATOR}3", "m3")
    await client.lpush(f"celery{SEPARATOR}9", "m4")
    await client.lpush("mail:5", "m5")
    await client.hset("unacked", mapping={"tag1": "m6", "tag2": "m7"})
    await client.zadd("unacked_index", {"tag1": time.time(), "tag2": time.time()})
    found = await depths(
        redis_server,
        {"kind": "celery", "name": "celery"},
        {"kind": "celery", "name": "mail", "priorities": [0, 5], "separator": ":"},
    )
    assert found == {
        of("celery", "celery", "ready"): 4,
        of("celery", "mail", "ready"): 1,
        of("celery", "unacked", "unacked"): 2,
    }


async def test_rq_shows_its_list_and_its_registries(redis_server: ValkeyServer, client: Any) -> None:
    # rq/queue.py pushes to `rq:queue:<name>`; rq/registry.py adds to sorted sets scored by when an entry runs out.
    await client.rpush("rq:queue:default", "job1", "job2")
    later = time.time() + 60
    for number, registry in enumerate(("wip", "deferred", "scheduled", "finished", "failed", "canceled"), start=1):
        await client.zadd(f"rq:{registry}:default", {f"job{n}": later for n in range(number)})
    found = await depths(redis_server, {"kind": "rq", "name": "default"})
    states = ("started", "deferred", "scheduled", "finished", "failed", "canceled")
    assert [found[of("rq", "default", state)] for state in ("queued", *states)] == [2, 1, 2, 3, 4, 5, 6]


async def test_arq_tells_due_jobs_from_those_of_later(redis_server: ValkeyServer, client: Any) -> None:
    # arq/connections.py: ArqRedis.enqueue_job adds the job with when it is due, in milliseconds.
    now = time.time()
    await client.zadd("arq:queue", {"a": (now - 30) * 1000, "b": (now - 1) * 1000, "c": (now + 3600) * 1000})
    with scraping_redis(redis_server.url, queues=[{"kind": "arq"}]) as target:
        samples = await target.scrape()
    assert samples["sidecar_queue_depth"] == {
        of("arq", "arq:queue", "queued"): 2,
        of("arq", "arq:queue", "deferred"): 1,
    }
    assert 30 <= samples["sidecar_queue_oldest_age_seconds"][of("arq", "arq:queue", "queued")] < 60


async def test_bullmq_shows_each_state_without_the_marker(redis_server: ValkeyServer, client: Any) -> None:
    # src/commands/addStandardJob-*.lua pushes to `wait`, addDelayedJob-*.lua adds to `delayed`; version 4 put `0:<ms>`
    # at the end of `wait`.
    await client.rpush("bull:emails:wait", "1", "2", "0:1700000000000")
    await client.rpush("bull:emails:active", "3")
    await client.zadd("bull:emails:delayed", {"4": 1, "5": 2})
    await client.zadd("bull:emails:failed", {"6": 1})
    await client.zadd("mine:emails:prioritized", {"7": 1})
    found = await depths(
        redis_server, {"kind": "bullmq", "name": "emails"}, {"kind": "bullmq", "name": "emails", "prefix": "mine"}
    )
    usual = {state: found[of("bullmq", "emails", state)] for state in ("wait", "active", "delayed", "failed", "paused")}
    assert usual == {"wait": 2, "active": 1, "delayed": 2, "failed": 1, "paused": 0}
    assert found[of("bullmq", "mine:emails", "prioritized")] == 1


async def test_stream_shows_what_its_group_has_not_read_and_not_acknowledged(
    redis_server: ValkeyServer, client: Any
) -> None:
    first = None
    for number in range(5):
        entry = await client.xadd("events", {"n": number}, id=f"{round((time.time() - 30) * 1000)}-{number + 1}")
        first = first or entry
    await client.xgroup_create("events", "workers", id="0")
    await client.xreadgroup("workers", "w1", {"events": ">"}, count=3)
    await client.xack("events", "workers", first)
    queue = {"kind": "stream", "name": "events", "group": "workers"}
    with scraping_redis(redis_server.url, queues=[queue]) as target:
        samples = await target.scrape()
    found = {dict(labels)["state"]: value for labels, value in samples["sidecar_queue_depth"].items()}
    assert found == {"length": 5, "lag": 2, "pending": 2}
    ((labels, age),) = samples["sidecar_queue_oldest_age_seconds"].items()
    assert labels == of("stream", "events", "pending", group="workers")
    assert 30 <= age < 60


async def test_stream_without_the_group_is_told_and_its_length_is_shown(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.xadd("events", {"n": 1})
    with scraping_redis(redis_server.url, queues=[{"kind": "stream", "name": "events", "group": "nobody"}]) as target:
        samples = await target.scrape()
    assert samples["sidecar_queue_depth"] == {of("stream", "events", "length", group="nobody"): 1}
    assert "`events`: CommandError: the stream has no group `nobody`" in caplog.text


async def test_queues_of_other_databases_are_asked_there_and_the_connection_comes_back(
    redis_server: ValkeyServer, client: Any
) -> None:
    async with Redis.from_url(url_of(redis_server, 3)) as three, Redis.from_url(url_of(redis_server, 5)) as five:
        await three.rpush("q", 1, 2, 3)
        await five.rpush("q", 1)
        queues = [{"kind": "list", "name": "q", "db": db} for db in (3, 5, 0)] + [{"kind": "list", "name": "q"}]
        with scraping_redis(url_of(redis_server, 5), queues=queues) as target:
            for _ in range(2):
                samples = await target.scrape()
                assert samples["sidecar_queue_depth"] == {
                    of("list", "q", "length", db="db0"): 0,
                    of("list", "q", "length", db="db3"): 3,
                    of("list", "q", "length", db="db5"): 1,
                }


async def test_database_that_there_is_not_says_nothing_about_the_own_one(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.rpush("q", 1)
    queues = [{"kind": "list", "name": "q", "db": 4000}, {"kind": "list", "name": "q"}]
    with scraping_redis(redis_server.url, queues=queues) as target:
        samples = await target.scrape()
        assert (await target.scrape())["sidecar_queue_depth"] == {of("list", "q", "length"): 1}
    assert samples["sidecar_queue_depth"] == {of("list", "q", "length"): 1}
    assert caplog.text.count("DB index is out of range") == 1


async def test_key_of_another_type_is_told_once_and_the_others_are_shown(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.set("wrong", 1)
    await client.rpush("right", 1)
    queues = [{"kind": "list", "name": "wrong"}, {"kind": "list", "name": "right"}]
    with scraping_redis(redis_server.url, queues=queues) as target:
        await target.scrape()
        samples = await target.scrape()
        assert samples["sidecar_queue_depth"] == {of("list", "right", "length"): 1}
        assert samples["sidecar_redis_section_success"][("section", "queues"),] == 0
        assert samples["redis_up"] == {(): 1}
        assert caplog.text.count("`wrong`: CommandError: WRONGTYPE") == 1
        await client.delete("wrong")
        samples = await target.scrape()
        assert samples["sidecar_queue_depth"][of("list", "wrong", "length")] == 0
        assert samples["sidecar_redis_section_success"][("section", "queues"),] == 1


RESTRICTED: Mapping[str, Any] = {
    "queues": [
        {"kind": "celery", "name": "celery", "db": 0},
        {"kind": "bullmq", "name": "my mails"},
        {"kind": "stream", "name": "events*", "group": "workers"},
    ],
    "streams": {"names": [{"name": "log"}], "patterns": [{"pattern": "log:*"}]},
    "keys": {"names": [{"name": "counter", "value": True}], "counts": [{"pattern": "session:*"}]},
    "sections": {"exclude": ["slowlog", "commandlog", "config_values", "latency", "cluster_info", "sentinel"]},
}


async def test_line_of_the_warning_is_all_that_a_user_lacks(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await client.rpush(f"celery{SEPARATOR}6", "m")
    await client.xadd("events*", {"n": 1})
    await client.xgroup_create("events*", "workers")
    await client.xadd("log:1", {"n": 1})
    await client.xgroup_create("log:1", "readers")
    await client.set("counter", 7)
    await client.set("session:1", "secret")
    await client.rpush("bull:my mails:wait", "1")
    await client.execute_command("ACL", "SETUSER", "watcher", "on", ">pw", "-@all", "+info", "+ping")
    url = f"redis://watcher:pw@{redis_server.host}:{redis_server.port}"
    try:
        with scraping_redis(url, **RESTRICTED) as target:
            samples = await target.scrape()
            assert "sidecar_queue_depth" not in samples
            assert "redis_key_size" not in samples
            assert "redis_stream_length" not in samples
            (line,) = [record.getMessage() for record in caplog.records if "Allow it with" in record.getMessage()]
            caplog.clear()
            allow = line.partition("Allow it with: ")[2]
            for forbidden in ("@all", "allkeys", "~*", "+@", "+arcount"):
                assert forbidden not in allow
            await client.execute_command("ACL", "SETUSER", *allow.split()[2:])
            target.runner._drop_connection()  # what was refused is asked again on a new one
            samples = await target.scrape()
            assert caplog.text == ""
            successes = samples["sidecar_redis_section_success"]
            assert {successes[("section", name),] for name in ("queues", "streams", "keys")} == {1}
            assert samples["sidecar_queue_depth"][of("celery", "celery", "ready")] == 1
            assert samples["sidecar_queue_depth"][of("bullmq", "my mails", "wait")] == 1
            assert samples["redis_stream_length"] == {(("db", "db0"), ("stream", "log:1")): 1}
            assert samples["redis_key_value"] == {(("db", "db0"), ("key", "counter")): 7}
            assert samples["redis_keys_count"] == {(("db", "db0"), ("key", "session:*")): 1}
    finally:
        await client.execute_command("ACL", "DELUSER", "watcher")


async def test_stream_group_and_consumer_are_shown_with_their_numbers(redis_server: ValkeyServer, client: Any) -> None:
    for number in range(1, 5):
        await client.xadd("events", {"n": number}, id=f"{1_700_000_000_000 + number}-0")
    await client.xgroup_create("events", "workers", id="0")
    await client.xreadgroup("workers", "w1", {"events": ">"}, count=3)
    await client.xdel("events", f"{1_700_000_000_001}-0")
    with scraping_redis(redis_server.url, streams={"names": [{"name": "events"}, {"name": "gone"}]}) as target:
        samples = await target.scrape()
    stream: Labels = (("db", "db0"), ("stream", "events"))
    group = labels_of({**dict(stream), "group": "workers"})
    consumer = labels_of({**dict(group), "consumer": "w1"})
    values = {name: found for name, found in samples.items() if name.startswith("redis_stream_")}
    assert set(values.pop("redis_stream_group_consumer_idle_seconds")) == {consumer}
    for name in ("redis_stream_radix_tree_keys", "redis_stream_radix_tree_nodes"):
        assert values.pop(name)[stream] >= 1
    # Whether the lag is still known after a deletion is the server's business.
    values.pop("redis_stream_group_lag", None)
    assert values == {
        "redis_stream_length": {stream: 3},
        "redis_stream_groups": {stream: 1},
        "redis_stream_entries_added_total": {stream: 4},
        "redis_stream_last_generated_id": {stream: 1_700_000_000_004},
        "redis_stream_max_deleted_entry_id": {stream: 1_700_000_000_001},
        "redis_stream_first_entry_id": {stream: 1_700_000_000_002},
        "redis_stream_last_entry_id": {stream: 1_700_000_000_004},
        "redis_stream_group_consumers": {group: 1},
        "redis_stream_group_messages_pending": {group: 3},
        "redis_stream_group_entries_read": {group: 3},
        "redis_stream_group_last_delivered_id": {group: 1_700_000_000_003},
        "redis_stream_group_consumer_messages_pending": {consumer: 3},
    }
    assert samples["sidecar_redis_section_success"][("section", "streams"),] == 1


async def test_lag_of_a_group_is_shown(redis_server: ValkeyServer, client: Any) -> None:
    for number in range(3):
        await client.xadd("events", {"n": number})
    await client.xgroup_create("events", "workers", id="0")
    await client.xreadgroup("workers", "w1", {"events": ">"}, count=1)
    with scraping_redis(redis_server.url, streams={"names": [{"name": "events"}]}) as target:
        samples = await target.scrape()
    assert list(samples["redis_stream_group_lag"].values()) == [2]


async def test_patterns_find_streams_only_and_limits_count_what_they_leave_out(
    redis_server: ValkeyServer, client: Any
) -> None:
    for number in range(3):
        await client.xadd(f"log:{number}", {"n": 1})
    await client.set("log:text", 1)
    for group in ("g1", "g2", "g3"):
        await client.xgroup_create("log:0", group)
        for consumer in ("c1", "c2"):
            await client.xgroup_createconsumer("log:0", group, consumer)
    await client.xgroup_create("log:1", "x" * 300)
    limits = {"max_streams": 2, "max_groups": 2, "max_consumers": 1}
    with scraping_redis(redis_server.url, streams={"patterns": [{"pattern": "log:*"}], **limits}) as target:
        samples = await target.scrape()
    assert {dict(labels)["stream"] for labels in samples["redis_stream_length"]} == {"log:0", "log:1"}
    assert {dict(labels)["group"] for labels in samples["redis_stream_group_consumers"]} == {"g1", "g2"}
    assert len(samples["redis_stream_group_consumer_idle_seconds"]) == 2
    left_out = {dict(labels)["what"]: count for labels, count in samples["sidecar_redis_streams_left_out"].items()}
    assert left_out == {"streams": 1, "groups": 2, "consumers": 2}


async def test_keys_have_a_size_by_their_type(redis_server: ValkeyServer, client: Any) -> None:
    await client.config_resetstat()
    await client.set("string", "four")
    await client.rpush("list", 1, 2)
    await client.sadd("set", 1, 2, 3)
    await client.zadd("zset", {"a": 1})
    await client.hset("hash", mapping={"a": 1, "b": 2})
    await client.xadd("stream", {"a": 1})
    await client.pfadd("visitors", *range(7))
    names = ["string", "list", "set", "zset", "hash", "stream", "visitors", "gone"]
    with scraping_redis(redis_server.url, keys={"names": [{"name": name} for name in names]}) as target:
        samples = await target.scrape()
    sizes = {dict(labels)["key"]: size for labels, size in samples["redis_key_size"].items()}
    assert [sizes[name] for name in names] == [4, 2, 3, 1, 2, 1, 7, 0]
    memory = {dict(labels)["key"]: size for labels, size in samples["redis_key_memory_usage_bytes"].items()}
    assert set(memory) == set(names) - {"gone"}
    assert min(memory.values()) > 16
    assert not {"redis_key_value", "redis_key_value_as_string"} & set(samples)
    assert await client.info("errorstats") == {}


async def test_values_are_shown_where_asked_for_and_only_there(redis_server: ValkeyServer, client: Any) -> None:
    await client.mset({"number": "2.5", "word": "green", "secret": "c4nary", "long": "x" * 201, "quiet": "1"})
    names = [
        {"name": "number", "value": True, "value_as_string": True},
        {"name": "word", "value": True, "value_as_string": True},
        {"name": "secret", "value": True},
        {"name": "long", "value": True, "value_as_string": True},
        {"name": "quiet"},
    ]
    with scraping_redis(redis_server.url, keys={"names": names, "patterns": [{"pattern": "*"}]}) as target:
        samples = await target.scrape()
        page = target.pages.render().decode()
    assert samples["redis_key_value"] == {(("db", "db0"), ("key", "number")): 2.5}
    assert samples["redis_key_value_as_string"] == {(("db", "db0"), ("key", "word"), ("val", "green")): 1}
    assert "c4nary" not in page


async def test_patterns_of_keys_are_bounded(
    redis_server: ValkeyServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await client.mset({f"session:{number}": 1 for number in range(50)})
    await client.set(b"session:\xff", 1)
    keys = {"patterns": [{"pattern": "session:*"}], "counts": [{"pattern": "session:*"}], "max_keys": 10}
    with scraping_redis(redis_server.url, keys=keys) as target:
        samples = await target.scrape()
        assert len(samples["redis_key_size"]) == 10
        assert samples["sidecar_redis_keys_left_out"] == {(): 41}
        assert samples["redis_keys_count"] == {(("db", "db0"), ("key", "session:*")): 51}
    with scraping_redis(redis_server.url, keys={**keys, "max_scanned": 50}) as target:
        samples = await target.scrape()
    assert "redis_keys_count" not in samples
    assert samples["sidecar_redis_section_success"][("section", "keys"),] == 0
    assert "the database has 51 keys, more than `max_scanned`, 50" in caplog.text


async def test_node_of_a_cluster_tells_about_the_keys_it_has(
    redis_cluster: RedisCluster, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"q{number}" for number in range(30)]
    settings: dict[str, Any] = {
        "queues": [{"kind": "list", "name": name} for name in names],
        "streams": {"names": [{"name": name} for name in names]},
        "keys": {"names": [{"name": name} for name in names], "counts": [{"pattern": "q*"}]},
    }
    found = []
    for node in redis_cluster.nodes:
        with scraping_redis(node.url, **settings) as target:
            samples = await target.scrape()
        assert samples["sidecar_redis_section_success"][("section", "queues"),] == 1
        found += [dict(labels)["queue"] for labels in samples["sidecar_queue_depth"]]
        assert len(samples["redis_key_size"]) < len(names)
    assert sorted(found) == sorted(names)
    assert caplog.text == ""


async def test_priorities_of_celery_that_other_nodes_have_do_not_hide_the_others(
    redis_cluster: RedisCluster, caplog: pytest.LogCaptureFixture
) -> None:
    found: dict[str, float] = {}
    for node in redis_cluster.nodes:
        with scraping_redis(node.url, queues=[{"kind": "celery", "name": "celery"}]) as target:
            samples = await target.scrape()
        assert samples["sidecar_redis_section_success"][("section", "queues"),] == 1
        states = [dict(labels)["state"] for labels in samples.get("sidecar_queue_depth", {})]
        found |= dict.fromkeys(states, 0.0)
    assert set(found) == {"ready", "unacked"}
    assert caplog.text == ""
