"""Finding the keys that patterns match, within bounds and in small steps: between two of them others may run."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple, TypeAlias

from sidecar.collect.redis.distinct import Distinct
from sidecar.collect.redis.info import parse_pairs
from sidecar.collect.redis.key_config import NAME_LIMIT, KeysConfig, PatternConfig, StreamsConfig
from sidecar.collect.redis.question import Question, ask_all, database_of
from sidecar.collect.redis.section import Ask, CommandError, RedisServer, Refused, items_of, number_of

COUNT = 1000
"""Keys that the server passes over in one step; it serves nobody else meanwhile, for less than a millisecond."""

Name: TypeAlias = tuple[int, bytes]
"""The number of a database and the name of a key in it."""


class Matches(NamedTuple):
    """The keys that patterns added.

    `left_out` is how many there are besides them; None when a pattern could not be searched for, which is in `refused`.
    """

    kept: list[Name]
    left_out: int | None
    refused: list[Refused]


async def matches(
    ask: Ask, server: RedisServer, config: KeysConfig | StreamsConfig, limit: int, of_type: str = ""
) -> Matches:
    """Return the first `limit` keys, in their order, that match a pattern and are not configured by name.

    A pattern whose search does not come to its end adds nothing.
    """
    named = {(database_of(item.db, server), item.name.encode()) for item in config.names}
    kept: list[Name] = []
    refused: list[Refused] = []
    seen = Distinct()
    for item in config.patterns:
        found: list[Name] = []
        try:
            async for names in pages(ask, server, item, config.max_scanned, of_type):
                others = {(database_of(item.db, server), name) for name in names} - named
                seen.add(others)
                found = _first(limit, found, others)
        except CommandError as error:
            refused.append(Refused(item.pattern, error))
        else:
            kept = _first(limit, kept, found)
    total = await seen.total()
    return Matches(kept, None if refused else total - len(kept), refused)


async def pages(
    ask: Ask, server: RedisServer, item: PatternConfig, max_scanned: int, of_type: str = ""
) -> AsyncIterator[Sequence[bytes]]:
    """Yield the keys that match, step by step; a key may come twice.

    Raises CommandError when the server refuses, and without asking when the database has more than `max_scanned` keys:
    part of the matches would tell nothing.
    """
    database = database_of(item.db, server)
    held = number_of(parse_pairs(server.info.get(f"db{database}", "")).get("keys")) or 0
    if held > max_scanned:
        raise CommandError(f"the database has {held:.0f} keys, more than `max_scanned`, {max_scanned}")
    options = ("MATCH", item.pattern, "COUNT", COUNT, *(("TYPE", of_type) if of_type else ()))
    cursor: str | bytes = "0"
    # A table that is being resized, or mostly empty, takes more steps than keys by count.
    for _ in range(2 * (max_scanned // COUNT) + 10):
        step = database, Question("SCAN", cursor, options)
        reply = (await ask_all(ask, server, [step]))[step]
        if isinstance(reply, CommandError):
            raise reply
        found = items_of(reply)
        names = [name for name in items_of(found[1]) if isinstance(name, bytes)] if len(found) > 1 else None
        if names is None or not isinstance(found[0], bytes):
            raise CommandError("the answer to SCAN is no cursor and keys")
        cursor = found[0]
        yield names
        if cursor == b"0":
            return
    raise CommandError(f"the search passed over more than `max_scanned`, {max_scanned}, keys")


def _first(limit: int, kept: Iterable[Name], others: Collection[Name]) -> list[Name]:
    short = (name for name in others if len(name[1]) <= NAME_LIMIT)
    return nsmallest(limit, {*kept, *short})
