"""Single keys: sizes by type, values where asked for, and searches within bounds."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from sidecar.collect.redis.scan import Matches, matches
from sidecar.collect.redis.section import Command, CommandError, Refused, Reply
from sidecar.collect.redis.sections.keys import SECTION, collect, permissions
from tests.unit.collect.redis.answering import AskTable, server_of, told

BEGINNING = "GETRANGE b'k' 0 3"
LONGER = "GETRANGE b'k' 0 200"


async def values(replies: dict[str, Reply | CommandError], **key: bool) -> dict[str, float]:
    """Return what is known of a key `k`."""
    found = await told(SECTION, server_of({}, keys={"names": [{"name": "k", **key}]}), AskTable(replies))
    return {series.replace('db="db0",key="k"', ""): value for series, value in found.items()}


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    assert not SECTION.applies(server_of({}))
    for what in ({"names": [{"name": "k"}]}, {"patterns": [{"pattern": "k"}]}, {"counts": [{"pattern": "k"}]}):
        assert SECTION.applies(server_of({}, keys=what))


async def test_only_the_type_is_asked_about_a_key_that_is_gone() -> None:
    ask = AskTable({"TYPE b'k'": b"none"})
    found = await told(SECTION, server_of({}, keys={"names": [{"name": "k"}]}), ask)
    assert found == {'redis_key_size{db="db0",key="k"}': 0}
    assert ask.writes == [["TYPE b'k'"]]


async def test_string_that_starts_like_a_hyperloglog_is_asked_for_its_estimate() -> None:
    replies: dict[str, Reply | CommandError] = {
        "TYPE b'k'": b"string",
        "STRLEN b'k'": 12304,
        LONGER: b"HYLL\x01",
        "PFCOUNT b'k'": 7,
    }
    assert await values(replies, value=True, value_as_string=True) == {"redis_key_size{}": 7}


async def test_type_of_a_module_has_memory_and_no_size() -> None:
    replies: dict[str, Reply | CommandError] = {"TYPE b'k'": b"ReJSON-RL", "MEMORY USAGE b'k'": 500}
    assert await values(replies) == {"redis_key_memory_usage_bytes{}": 500}


async def test_array_of_newer_servers_has_a_size() -> None:
    assert await values({"TYPE b'k'": b"array", "ARCOUNT b'k'": 5}) == {"redis_key_size{}": 5}


@pytest.mark.parametrize(
    ("text", "settings", "shown"),
    [
        (b"2.5", {"value": True}, {"redis_key_value{}": 2.5}),
        (b"2.5", {"value_as_string": True}, {}),
        (b"green", {"value": True}, {}),
        (b"green", {"value_as_string": True}, {'redis_key_value_as_string{,val="green"}': 1}),
        (b"", {"value": True, "value_as_string": True}, {}),
        (b"x" * 201, {"value": True, "value_as_string": True}, {}),
        (b"\xff", {"value_as_string": True}, {'redis_key_value_as_string{,val="\\xff"}': 1}),
    ],
)
async def test_value_is_shown_as_asked_for(text: bytes, settings: dict[str, bool], shown: dict[str, float]) -> None:
    assert await values({"TYPE b'k'": b"string", LONGER: text}, **settings) == shown


async def test_value_is_not_even_read_where_it_is_not_to_be_shown() -> None:
    ask = AskTable({"TYPE b'k'": b"string"})
    await collect(ask, server_of({}, keys={"names": [{"name": "k"}]}))
    assert ask.writes[1] == ["STRLEN b'k'", "MEMORY USAGE b'k'", BEGINNING]


async def test_memory_that_a_server_does_not_tell_leaves_the_size() -> None:
    replies: dict[str, Reply | CommandError] = {"TYPE b'k'": b"list", "LLEN b'k'": 2}
    assert await values(replies) == {"redis_key_size{}": 2}
    parts = await collect(AskTable(replies), server_of({}, keys={"names": [{"name": "k"}]}))
    assert [part.key for part in parts if isinstance(part, Refused)] == ["k"]


class Scanned:
    """An `Ask` of a server whose SCAN goes through `steps`, and round and round after the last."""

    def __init__(self, *steps: tuple[bytes, list[bytes]]) -> None:
        self._steps = steps
        self.asked: list[tuple[str | bytes | int, ...]] = []

    async def __call__(self, *command: str | bytes | int) -> Reply:
        raise NotImplementedError

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        ((*words,),) = commands
        cursor, names = self._steps[len(self.asked) % len(self._steps)]
        self.asked.append(tuple(words))
        return [[cursor, names]]


async def matching(ask: Scanned, **keys: Any) -> Matches:
    """Return what the patterns add."""
    server = server_of({}, keys={"patterns": [{"pattern": "a:*"}], **keys})
    return await matches(ask, server, server.config.keys, server.config.keys.max_keys)


async def test_search_goes_on_to_its_end_and_counts_a_key_once() -> None:
    ask = Scanned((b"7", [b"a:1", b"a:2"]), (b"9", []), (b"0", [b"a:2", b"a:3"]))
    server = server_of({"db0": "keys=3"}, keys={"counts": [{"pattern": "a:*"}]})
    assert await told(SECTION, server, ask) == {'redis_keys_count{db="db0",key="a:*"}': 3}  # type: ignore[arg-type]
    assert [command[1] for command in ask.asked] == ["0", b"7", b"9"]


async def test_only_the_first_keys_in_order_are_kept_and_the_others_counted_once() -> None:
    ask = Scanned((b"7", [b"a:3", b"a:9", b"a:4"]), (b"9", [b"a:" + b"x" * 200]), (b"0", [b"a:1", b"a:3", b"a:7"]))
    found = await matching(ask, names=[{"name": "a:1"}], max_keys=2)
    assert found.kept == [(0, b"a:3"), (0, b"a:4")]
    assert found.left_out == 3  # a:7, a:9 and the long one
    assert found.refused == []


async def test_what_is_left_out_is_not_known_where_a_search_was_given_up() -> None:
    ask = Scanned((b"7", [b"a:1"]))
    found = await matching(ask, max_scanned=5000)
    assert (found.kept, found.left_out) == ([], None)
    assert [part.key for part in found.refused] == ["a:*"]


async def test_search_holds_little_and_leaves_the_loop_alone() -> None:
    pages = [(b"1", [b"session:%d" % (page * 1000 + key) for key in range(1000)]) for page in range(100)]
    ask = Scanned(*pages, (b"0", []))
    slices: list[float] = []
    answer = ask.many

    async def timed(commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        slices.append(time.thread_time())
        return await answer(commands)

    ask.many = timed  # type: ignore[method-assign]
    found = await matching(ask, max_keys=100)
    assert (len(found.kept), found.left_out) == (100, 99_900)
    slices.append(time.thread_time())
    # Sorting all of them at the end takes a quarter of a second.
    assert max(after - before for before, after in pairwise(slices)) < 0.05


async def test_search_that_does_not_end_is_given_up_and_says_nothing() -> None:
    ask = Scanned((b"7", [b"a:1"]))
    keys = {"counts": [{"pattern": "a:*"}], "max_scanned": 5000}
    parts = list(await collect(ask, server_of({}, keys=keys)))
    assert [type(part) for part in parts] == [Refused]
    assert len(ask.asked) == 20


async def test_big_database_is_not_searched_at_all() -> None:
    ask = Scanned((b"0", []))
    keys: dict[str, Any] = {"counts": [{"pattern": "a:*"}], "patterns": [{"pattern": "a:*"}], "max_scanned": 5}
    parts = list(await collect(ask, server_of({"db0": "keys=6,expires=0"}, keys=keys)))
    assert [part.key for part in parts if isinstance(part, Refused)] == ["a:*", "a:*"]
    assert ask.asked == []


def test_rules_are_for_exactly_what_is_asked() -> None:
    counting = server_of({}, keys={"counts": [{"pattern": "session:*"}]})
    assert permissions(counting.config) == ["+scan"]
    named = server_of({}, keys={"names": [{"name": "k?"}], "patterns": [{"pattern": "k?"}]})
    assert permissions(named.config)[:2] == ["~k\\?", "~k?"]
    assert "+arcount" not in permissions(named.config)
