"""Replies that are not what a server sends: proxies, clones and managed servers answer in shapes of their own."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.section import (
    AnySection,
    Command,
    CommandError,
    CommandSection,
    PipelinedSection,
    RedisServer,
    Refused,
    Reply,
)
from sidecar.model.family import FamilySamples
from tests.unit.collect.redis.answering import server_of
from tests.unit.collect.scraping import values_of

SCALARS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64),
    st.binary(max_size=8),
    st.sampled_from([b"inf", b"nan", b"0", b"name", b"calls", b"histogram_usec", b"stream", b"string", b"16"]),
)
REPLIES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5), max_leaves=12)
CONFIGURED: dict[str, Any] = {
    "queues": [
        {"kind": "celery", "name": "celery"},
        {"kind": "rq", "name": "default"},
        {"kind": "arq"},
        {"kind": "bullmq", "name": "emails"},
        {"kind": "stream", "name": "events", "group": "workers"},
    ],
    "streams": {"max_scanned": 1000, "names": [{"name": "events"}], "patterns": [{"pattern": "s*"}]},
    "keys": {
        "max_scanned": 1000,
        "names": [{"name": "k", "value": True, "value_as_string": True}],
        "patterns": [{"pattern": "a*"}],
        "counts": [{"pattern": "b*"}],
    },
}
SERVERS = (
    server_of({"redis_version": "8.0.0", "valkey_version": "9.1.0", "cluster_enabled": "1"}, **CONFIGURED),
    server_of({"redis_version": "8.0.0", "sentinel_masters": "1", "master0": "name=m,status=ok"}, **CONFIGURED),
)


class Scripted:
    """An `Ask` that gives `replies` in turn, over and over."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = replies
        self._count = 0

    async def __call__(self, *command: str | bytes | int) -> Reply:
        self._count += 1
        return self._replies[self._count % len(self._replies)]

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        return [await self(*command) for command in commands]


def check(families: Iterable[FamilySamples], declared: AnySection) -> None:
    parts = list(families)
    assert {family for family, _ in parts} <= set(declared.families)
    assert all(math.isfinite(value) for value in values_of(parts).values())


@given(st.lists(REPLIES, min_size=1, max_size=8), st.sampled_from(SERVERS))
@settings(max_examples=40)
def test_no_shape_of_a_reply_costs_a_section_more_than_that_reply(replies: list[Reply], server: RedisServer) -> None:
    for section in REDIS_SECTIONS:
        if isinstance(section, PipelinedSection):
            commands = section.commands(server)
            answers = {command: replies[place % len(replies)] for place, command in enumerate(commands)}
            check(section.convert(answers, server), section)
        elif isinstance(section, CommandSection) and section.applies(server):
            found = asyncio.run(_collected(section, server, replies))
            check([item for item in found if not isinstance(item, Refused)], section)


async def _collected(
    section: CommandSection, server: RedisServer, replies: list[Reply]
) -> list[FamilySamples | Refused]:
    try:
        return list(await section.collect(Scripted(replies), server))
    except CommandError:
        return []
