"""Finding the keys that a pattern matches, within bounds."""

from sidecar.collect.redis.question import Question, ask_all
from sidecar.collect.redis.section import Ask, CommandError, RedisServer, number_of, parse_pairs

COUNT = 1000
"""Keys that the server passes over in one step; it serves nobody else meanwhile, for less than a millisecond."""


async def keys_matching(
    ask: Ask, server: RedisServer, database: int, pattern: str, max_scanned: int, of_type: str = ""
) -> frozenset[bytes]:
    """Return the keys of `database` that match `pattern`, all of them.

    Raises CommandError when the server refuses, and without asking when the database has more than `max_scanned` keys:
    part of the matches would tell nothing.
    """
    held = number_of(parse_pairs(server.info.get(f"db{database}", "")).get("keys")) or 0
    if held > max_scanned:
        raise CommandError(f"the database has {held:.0f} keys, more than `max_scanned`, {max_scanned}")
    options = ("MATCH", pattern, "COUNT", COUNT, *(("TYPE", of_type) if of_type else ()))
    found: set[bytes] = set()
    cursor: str | bytes = "0"
    # A table that is being resized, or mostly empty, takes more steps than keys by count.
    for _ in range(2 * (max_scanned // COUNT) + 10):
        step = database, Question("SCAN", cursor, options)
        reply = (await ask_all(ask, server, [step]))[step]
        if isinstance(reply, CommandError):
            raise reply
        cursor, names = reply if isinstance(reply, list) else (b"0", [])
        found.update(names)
        if cursor == b"0":
            return frozenset(found)
    raise CommandError(f"the search passed over more than `max_scanned`, {max_scanned}, keys")
