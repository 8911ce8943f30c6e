"""Streams, as Redis 6.2 and 7 tell about them."""

from typing import Any

from sidecar.collect.redis.section import CommandError, Refused, Reply
from sidecar.collect.redis.sections.streams import FAMILIES, SECTION, collect, permissions
from tests.unit.collect.redis.answering import AskTable, server_of, told, wire

STREAM_62: dict[str, Any] = {
    "length": 2,
    "radix-tree-keys": 1,
    "radix-tree-nodes": 2,
    "last-generated-id": "1700000000002-0",
    "groups": 1,
    "first-entry": ["1700000000001-0", ["field", "c4nary"]],
    "last-entry": ["1700000000002-0", ["field", "c4nary"]],
}
STREAM_70 = {**STREAM_62, "max-deleted-entry-id": "0-0", "entries-added": 5}
GROUP_62: dict[str, Any] = {"name": "g", "consumers": 1, "pending": 1, "last-delivered-id": "1700000000001-0"}
GROUP_70 = {**GROUP_62, "entries-read": 4, "lag": 1}
CONSUMER = {"name": "c", "pending": 1, "idle": 1500}


def replies_of(stream: Any, groups: Any) -> dict[str, Reply | CommandError]:
    return {
        "TYPE b'events'": b"stream",
        "XINFO STREAM b'events'": wire(stream),
        "XINFO GROUPS b'events'": wire(groups),
        "XINFO CONSUMERS b'events' b'g'": wire([CONSUMER]),
    }


async def values(replies: dict[str, Reply | CommandError], **settings: Any) -> dict[str, float]:
    streams = {"names": [{"name": "events"}], **settings}
    return await told(SECTION, server_of({}, streams=streams), AskTable(replies))


def names_in(found: dict[str, float]) -> set[str]:
    return {series.partition("{")[0] for series in found}


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    assert not SECTION.applies(server_of({}))
    assert SECTION.applies(server_of({}, streams={"patterns": [{"pattern": "*"}]}))


async def test_every_family_is_there_and_no_entry_is() -> None:
    found = await values(replies_of(STREAM_70, [GROUP_70]))
    assert names_in(found) == {family.name for family in FAMILIES}
    assert found['redis_stream_first_entry_id{db="db0",stream="events"}'] == 1_700_000_000_001
    assert found['redis_stream_max_deleted_entry_id{db="db0",stream="events"}'] == 0
    assert found['redis_stream_group_consumer_idle_seconds{consumer="c",db="db0",group="g",stream="events"}'] == 1.5
    assert "c4nary" not in str(found)


async def test_what_redis_6_does_not_know_is_left_out() -> None:
    older = names_in(await values(replies_of(STREAM_62, [GROUP_62])))
    newer = names_in(await values(replies_of(STREAM_70, [GROUP_70])))
    assert newer - older == {
        "redis_stream_entries_added_total",
        "redis_stream_max_deleted_entry_id",
        "redis_stream_group_entries_read",
        "redis_stream_group_lag",
    }


async def test_empty_stream_has_no_first_entry() -> None:
    found = await values(replies_of({**STREAM_70, "length": 0, "first-entry": None, "last-entry": None}, []))
    assert found['redis_stream_length{db="db0",stream="events"}'] == 0
    assert not {"redis_stream_first_entry_id", "redis_stream_last_entry_id"} & names_in(found)


async def test_lag_that_the_server_cannot_tell_is_left_out() -> None:
    found = await values(replies_of(STREAM_70, [{**GROUP_70, "lag": None, "entries-read": None}]))
    assert not {"redis_stream_group_lag", "redis_stream_group_entries_read"} & names_in(found)


async def test_consumers_can_be_left_out() -> None:
    ask = AskTable(replies_of(STREAM_70, [GROUP_70]))
    streams = {"names": [{"name": "events"}], "consumers": False}
    found = await told(SECTION, server_of({}, streams=streams), ask)
    assert "redis_stream_group_consumer_messages_pending" not in names_in(found)
    assert len(ask.writes) == 2


async def test_stream_that_is_gone_is_left_out_and_a_key_of_another_type_is_told() -> None:
    ask = AskTable({"TYPE b'gone'": b"none", "TYPE b'text'": b"string"})
    streams = {"names": [{"name": "gone"}, {"name": "text"}]}
    parts = list(await collect(ask, server_of({}, streams=streams)))
    assert [(part.key, str(part.error)) for part in parts if isinstance(part, Refused)] == [
        ("text", "the key is of type string")
    ]
    assert ask.writes == [["TYPE b'gone'", "TYPE b'text'"]]


async def test_busiest_consumers_are_those_shown() -> None:
    replies = replies_of(STREAM_70, [GROUP_70])
    rows = [{"name": f"c{number}", "pending": number, "idle": 0} for number in range(5)]
    replies["XINFO CONSUMERS b'events' b'g'"] = wire(rows)
    found = await values(replies, max_consumers=2)
    pending = [value for series, value in found.items() if "consumer_messages_pending" in series]
    assert pending == [4, 3]
    assert found['sidecar_redis_streams_left_out{what="consumers"}'] == 3


async def test_limit_of_streams_holds_over_databases() -> None:
    names = wire(["0", ["log:1", "log:2"]])
    scan = "SCAN 0 MATCH log:* COUNT 1000 TYPE stream"
    replies: dict[str, Reply | CommandError] = {scan: names, "SELECT 0": b"OK", "SELECT 3": b"OK"}
    for name in ("log:1", "log:2"):
        replies |= {f"TYPE b'{name}'": b"stream", f"XINFO STREAM b'{name}'": wire(STREAM_70)}
        replies |= {f"XINFO GROUPS b'{name}'": []}
    patterns = [{"pattern": "log:*"}, {"pattern": "log:*", "db": 3}]
    server = server_of({}, streams={"patterns": patterns, "max_streams": 2})
    found = await told(SECTION, server, AskTable(replies))
    shown = {series for series in found if series.startswith("redis_stream_length")}
    assert shown == {f'redis_stream_length{{db="db0",stream="{name}"}}' for name in ("log:1", "log:2")}
    assert found['sidecar_redis_streams_left_out{what="streams"}'] == 2


def test_rules_are_for_exactly_what_is_asked() -> None:
    server = server_of({}, streams={"names": [{"name": "events"}], "consumers": False})
    assert permissions(server.config) == ["~events", "+type", "+xinfo|groups", "+xinfo|stream"]
    server = server_of({}, streams={"patterns": [{"pattern": "log:*", "db": 3}]})
    assert permissions(server.config) == [
        "~log:*",
        "+scan",
        "+select",
        "+type",
        "+xinfo|consumers",
        "+xinfo|groups",
        "+xinfo|stream",
    ]
