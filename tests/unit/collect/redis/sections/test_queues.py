"""Depth of queues: what is asked, and what is known, gone, refused or elsewhere."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.section import CommandError, CommandNotPermittedError, ElsewhereError, Refused, Reply
from sidecar.collect.redis.sections.queues import SECTION, collect, permissions
from tests.unit.collect.redis.answering import NOW, AskTable, server_of, told, wire

NOW_MS = round(NOW * 1000)
WORKERS = {"kind": "stream", "name": "events", "group": "workers"}
FIRST_PENDING = "XPENDING events workers - + 1"


def config_of(*queues: dict[str, Any]) -> RedisConfig:
    return RedisConfig.model_validate({"url": "redis://cache", "queues": queues})


async def depths(replies: dict[str, Reply | CommandError], *queues: dict[str, Any]) -> dict[str, float]:
    """Return the values by state."""
    values = await told(SECTION, server_of({}, queues=queues), AskTable(replies))
    return {series.partition('state="')[2].rstrip('"}'): value for series, value in values.items()}


async def refused(replies: dict[str, Reply | CommandError], *queues: dict[str, Any]) -> list[tuple[str, str]]:
    parts = await collect(AskTable(replies), server_of({}, queues=queues))
    return [(part.key, str(part.error)) for part in parts if isinstance(part, Refused)]


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    assert not SECTION.applies(server_of({}))
    assert SECTION.applies(server_of({}, queues=[{"kind": "arq"}]))


async def test_all_queues_are_asked_in_one_write_and_equal_questions_once() -> None:
    ask = AskTable({})
    queues = [{"kind": "celery", "name": name, "priorities": [0, 5]} for name in ("a", "b")]
    await collect(ask, server_of({}, queues=queues))
    assert ask.writes == [["LLEN a", "LLEN a\x06\x165", "HLEN unacked", "LLEN b", "LLEN b\x06\x165"]]


async def test_prefix_of_celery_stands_before_every_key() -> None:
    ask = AskTable({"LLEN shop.celery": 3, "HLEN shop.unacked": 1})
    queue = {"kind": "celery", "name": "celery", "prefix": "shop.", "priorities": [0]}
    values = await told(SECTION, server_of({}, queues=[queue]), ask)
    assert values == {
        'sidecar_queue_depth{db="db0",kind="celery",queue="shop.celery",state="ready"}': 3,
        'sidecar_queue_depth{db="db0",kind="celery",queue="shop.unacked",state="unacked"}': 1,
    }


@pytest.mark.parametrize(
    ("first", "age"),
    [
        ([], 0),
        (wire(["job", str(NOW_MS - 1500)]), 1.5),
        (wire(["job", str(NOW_MS + 1500)]), 0),
    ],
)
async def test_age_in_arq_is_since_a_job_was_due(first: Reply, age: float) -> None:
    replies: dict[str, Reply | CommandError] = {"ZRANGE arq:queue 0 0 WITHSCORES": first}
    values = await told(SECTION, server_of({}, queues=[{"kind": "arq"}]), AskTable(replies))
    assert values == {
        'sidecar_queue_oldest_age_seconds{db="db0",kind="arq",queue="arq:queue",state="queued"}': pytest.approx(age)
    }


@pytest.mark.parametrize(("last", "depth"), [(None, 3), (b"17", 3), (b"0:17", 2)])
async def test_marker_of_bullmq_is_no_job(last: Reply, depth: int) -> None:
    replies: dict[str, Reply | CommandError] = {"LLEN bull:emails:wait": 3, "LINDEX bull:emails:wait -1": last}
    assert (await depths(replies, {"kind": "bullmq", "name": "emails"}))["wait"] == depth


async def test_only_whether_it_is_there_is_asked_about_a_stream_that_is_gone() -> None:
    ask = AskTable({"EXISTS events": 0})
    values = await told(SECTION, server_of({}, queues=[WORKERS]), ask)
    assert set(values.values()) == {0}
    assert len(values) == 4
    assert ask.writes == [["EXISTS events"]]


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ({"name": "workers", "pending": 2, "entries-read": 3, "lag": 4}, {"lag": 4, "pending": 2}),
        ({"name": "workers", "pending": 2, "entries-read": None, "lag": None}, {"pending": 2}),
        ({"name": "workers", "pending": 2}, {"pending": 2}),
    ],
    ids=["known", "lag unknown", "Redis 6.2"],
)
async def test_lag_is_left_out_where_the_server_does_not_know_it(row: dict[str, Any], known: dict[str, float]) -> None:
    replies: dict[str, Reply | CommandError] = {
        "EXISTS events": 1,
        "XLEN events": 9,
        "XINFO GROUPS events": wire([{"name": "others", "pending": 7, "lag": 7}, row]),
    }
    assert await depths(replies, WORKERS) == {"length": 9, **known}


@pytest.mark.parametrize(
    ("first", "age"),
    [([], {"pending": 0}), ([[b"%d-0" % (NOW_MS - 2000), b"w", 1, 1]], {"pending": 2}), ([[b"1-1", b"w", 1, 1]], {})],
    ids=["nothing pending", "two seconds", "id given by hand"],
)
async def test_age_of_a_stream_is_that_of_the_first_pending_entry(first: Reply, age: dict[str, float]) -> None:
    assert await depths({"EXISTS events": 1, FIRST_PENDING: first}, WORKERS) == age


async def test_stream_without_the_group_says_so() -> None:
    replies: dict[str, Reply | CommandError] = {
        "EXISTS events": 1,
        "XINFO GROUPS events": [],
        FIRST_PENDING: CommandError("NOGROUP"),
    }
    assert ("events", "the stream has no group `workers`") in await refused(replies, WORKERS)


async def test_one_refused_key_takes_only_its_own_numbers_away() -> None:
    denied = CommandNotPermittedError("No permissions to access a key")
    replies: dict[str, Reply | CommandError] = {"LLEN rq:queue:a": denied, "ZCARD rq:failed:a": 3, "LLEN b": 1}
    values = await depths(replies, {"kind": "rq", "name": "a"}, {"kind": "list", "name": "b"})
    assert values == {"failed": 3, "length": 1}
    assert ("rq:queue:a", str(denied)) in await refused(replies, {"kind": "rq", "name": "a"})


async def test_priorities_that_are_not_all_known_have_no_sum() -> None:
    replies: dict[str, Reply | CommandError] = {"LLEN q": 3, "LLEN q\x06\x165": CommandError("WRONGTYPE")}
    assert await depths(replies, {"kind": "celery", "name": "q", "priorities": [0, 5]}) == {}


async def test_key_of_another_node_is_left_out_without_a_word() -> None:
    replies: dict[str, Reply | CommandError] = {"LLEN q": ElsewhereError("3999 127.0.0.1:6381")}
    assert await depths(replies, {"kind": "list", "name": "q"}) == {}
    assert await refused(replies, {"kind": "list", "name": "q"}) == []


async def test_another_database_is_selected_and_left_again() -> None:
    ask = AskTable({"SELECT 2": b"OK", "SELECT 0": b"OK", "LLEN q": 1})
    queues = [{"kind": "list", "name": "q", "db": 2}, {"kind": "list", "name": "p"}]
    await collect(ask, server_of({}, queues=queues))
    assert ask.writes == [["LLEN p", "SELECT 2", "LLEN q", "SELECT 0"]]


async def test_what_follows_a_refused_select_was_said_about_another_database() -> None:
    no_such = CommandError("DB index is out of range")
    replies: dict[str, Reply | CommandError] = {"SELECT 99": no_such, "SELECT 0": b"OK", "LLEN q": 1}
    queue = {"kind": "list", "name": "q", "db": 99}
    assert await depths(replies, queue) == {}
    assert await refused(replies, queue) == [("q", str(no_such))]


def test_rules_are_for_exactly_what_is_asked() -> None:
    queue = {"kind": "celery", "name": "c*[1]\\", "priorities": [0, 3]}
    assert permissions(config_of(queue)) == [
        "~c\\*\\[1\\]\\\\",
        "~c\\*\\[1\\]\\\\??3",
        "~unacked",
        "+hlen",
        "+llen",
    ]
    assert permissions(config_of({"kind": "list", "name": 'a b"é\u200b', "db": 0})) == ["~a?b?é???", "+llen", "+select"]
    assert permissions(config_of(WORKERS)) == ["~events", "+exists", "+xinfo|groups", "+xlen", "+xpending"]


@pytest.mark.parametrize(
    "queues",
    [
        ({"kind": "rq", "name": "a"}, {"kind": "rq", "name": "a"}),
        ({"kind": "celery", "name": "a.b"}, {"kind": "celery", "name": "b", "prefix": "a."}),
        (WORKERS, WORKERS),
    ],
)
def test_queue_is_configured_once(queues: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ValidationError, match="is configured twice"):
        config_of(*queues)


def test_same_name_in_another_kind_database_or_group_is_another_queue() -> None:
    config_of(
        {"kind": "rq", "name": "a"},
        {"kind": "rq", "name": "a", "db": 1},
        {"kind": "list", "name": "a"},
        WORKERS,
        {**WORKERS, "group": "others"},
    )


@pytest.mark.parametrize(
    "queue",
    [
        {"kind": "sidekiq", "name": "a"},
        {"kind": "list"},
        {"kind": "list", "name": ""},
        {"kind": "list", "name": "x" * 201},
        {"kind": "list", "name": "a", "db": -1},
        {"kind": "celery", "name": "a", "priorities": []},
    ],
)
def test_what_is_no_queue_is_refused(queue: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config_of(queue)


async def test_lists_of_other_nodes_do_not_hide_those_that_are_here() -> None:
    elsewhere = ElsewhereError("MOVED 1 127.0.0.1:7001")
    celery = {"kind": "celery", "name": "c", "priorities": [0, 5]}
    replies: dict[str, Reply | CommandError] = {"LLEN c": 3, "LLEN c\x06\x165": elsewhere, "HLEN unacked": elsewhere}
    assert await depths(replies, celery) == {"ready": 3}
    assert await refused(replies, celery) == []
    assert await depths(replies | {"LLEN c": elsewhere}, celery) == {}
    assert await depths(replies | {"LLEN c\x06\x165": CommandError("WRONGTYPE")}, celery) == {}


async def test_half_of_what_a_number_needs_is_no_number() -> None:
    elsewhere = ElsewhereError("ASK 1 127.0.0.1:7001")
    bullmq = {"kind": "bullmq", "name": "q"}
    replies: dict[str, Reply | CommandError] = {"LLEN bull:q:wait": 3, "LINDEX bull:q:wait -1": elsewhere}
    assert await depths(replies, bullmq) == {}
