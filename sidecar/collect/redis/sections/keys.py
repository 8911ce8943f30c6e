"""Configured keys: size, memory, and the value of those that are to show it.

Only strings have a value here, and it is read up to a limit. A key that is gone has size 0, as in redis_exporter.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sidecar.collect.config import Preset
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.distinct import Distinct
from sidecar.collect.redis.found import Found
from sidecar.collect.redis.key_config import NAME_LIMIT
from sidecar.collect.redis.question import (
    Placed,
    Question,
    Replies,
    ask_all,
    database_label,
    database_of,
    pattern_of,
    refusals,
    rules_for,
    shown,
)
from sidecar.collect.redis.scan import matches, pages
from sidecar.collect.redis.section import Ask, CommandError, CommandSection, RedisServer, Refused, Reply, decimal_of
from sidecar.model.family import Family, FamilySamples, MetricType

_LABELS = ("db", "key")


def _gauge(name: str, text: str, labels: tuple[str, ...] = _LABELS) -> Family:
    return Family(name, MetricType.GAUGE, text, labels)


SIZE = _gauge(
    "redis_key_size",
    "Entries of a configured key; of a string its bytes, of a HyperLogLog its estimate; 0 when the key is gone.",
)
MEMORY = _gauge(
    "redis_key_memory_usage_bytes", "Memory that a configured key takes, estimated by the server from a few entries."
)
VALUE = _gauge("redis_key_value", "Value of a configured key that is a number and is to show it.")
AS_STRING = _gauge(
    "redis_key_value_as_string",
    "1; the label is the value of a configured key that is no number and is to show it.",
    ("db", "key", "val"),
)
COUNT = _gauge("redis_keys_count", "Keys that match a configured pattern, which is the label `key`.")
LEFT_OUT = _gauge(
    "sidecar_redis_keys_left_out", "Keys that match the configured patterns and are over the limit or too long.", ()
)
FAMILIES = (SIZE, MEMORY, VALUE, AS_STRING, COUNT, LEFT_OUT)

SIZES = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
    "array": "ARCOUNT",
}
"""The command for the size by type; that of arrays came after Redis 8.0."""

HYPERLOGLOG = b"HYLL"
"""How the string that a HyperLogLog is starts; to ask for its estimate before knowing it would count as an error."""


class _Key(NamedTuple):
    """A key that is told about."""

    database: int
    name: bytes
    value: bool = False
    value_as_string: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all its samples."""
        return {"db": database_label(self.database), "key": shown(self.name)}

    def asked(self, verb: str, *arguments: int) -> Placed:
        """Return the question `verb` about this key."""
        return self.database, Question(verb, self.name, arguments)

    @property
    def beginning(self) -> Placed:
        """The question for as much of a string as is looked at."""
        shows = self.value or self.value_as_string
        return self.asked("GETRANGE", 0, NAME_LIMIT if shows else len(HYPERLOGLOG) - 1)


async def collect(ask: Ask, server: RedisServer) -> Iterable[FamilySamples | Refused]:
    """Ask for the types, then for what there is about each type, then about those strings that are a HyperLogLog."""
    found = Found()
    keys = [*_named(server), *await _matching(ask, server, found)]
    types = await ask_all(ask, server, [key.asked("TYPE") for key in keys])
    typed = [(key, shown(reply)) for key in keys if isinstance(reply := types[key.asked("TYPE")], bytes)]
    replies = dict(await ask_all(ask, server, [placed for key, kind in typed for placed in _questions(key, kind)]))
    strange = [key for key, _ in typed if _is_hyperloglog(replies.get(key.beginning))]
    replies |= await ask_all(ask, server, [key.asked("PFCOUNT") for key in strange])
    for key, kind in typed:
        _add(found, key, kind, replies)
    await _count(ask, server, found)
    found.refused += refusals({**types, **replies})
    return found.everything()


def permissions(config: RedisConfig) -> Sequence[str]:
    """Return the ACL rules for the configured keys and patterns."""
    keys = config.keys
    verbs = [verb for kind, verb in SIZES.items() if kind != "array"]
    verbs = [*verbs, "TYPE", "MEMORY USAGE", "GETRANGE", "PFCOUNT"] if keys.names or keys.patterns else []
    verbs += ["SCAN"] if keys.patterns or keys.counts else []
    patterns = [*(pattern_of(key.name) for key in keys.names), *(pattern.pattern for pattern in keys.patterns)]
    return rules_for(patterns, verbs, (item.db for item in (*keys.names, *keys.patterns, *keys.counts)))


def _named(server: RedisServer) -> list[_Key]:
    return [
        _Key(database_of(key.db, server), key.name.encode(), key.value, key.value_as_string)
        for key in server.config.keys.names
    ]


async def _matching(ask: Ask, server: RedisServer, found: Found) -> list[_Key]:
    """Return the keys that match a pattern and have no place of their own in the configuration."""
    config = server.config.keys
    matching = await matches(ask, server, config, config.max_keys)
    found.refused += matching.refused
    if config.patterns:
        found.add(LEFT_OUT, {}, matching.left_out)
    return [_Key(database, name) for database, name in matching.kept]


async def _count(ask: Ask, server: RedisServer, found: Found) -> None:
    config = server.config.keys
    for item in config.counts:
        seen = Distinct()
        try:
            async for names in pages(ask, server, item, config.max_scanned):
                seen.add(names)
        except CommandError as error:
            found.refused.append(Refused(item.pattern, error))
        else:
            database = database_label(database_of(item.db, server))
            found.add(COUNT, {"db": database, "key": item.pattern}, await seen.total())


def _questions(key: _Key, kind: str) -> Iterable[Placed]:
    if kind in SIZES:
        yield key.asked(SIZES[kind])
    if kind != "none":
        yield key.asked("MEMORY USAGE")
    if kind == "string":
        yield key.beginning


def _is_hyperloglog(reply: Reply | CommandError) -> bool:
    return isinstance(reply, bytes) and reply.startswith(HYPERLOGLOG)


def _add(found: Found, key: _Key, kind: str, replies: Replies) -> None:
    beginning = replies.get(key.beginning)
    estimated = _is_hyperloglog(beginning)
    size = replies.get(key.asked("PFCOUNT" if estimated else SIZES.get(kind, "")))
    found.add(SIZE, key.labels, 0.0 if kind == "none" else _number(size))
    found.add(MEMORY, key.labels, _number(replies.get(key.asked("MEMORY USAGE"))))
    if isinstance(beginning, bytes) and beginning and not estimated and len(beginning) <= NAME_LIMIT:
        _add_value(found, key, shown(beginning))


def _add_value(found: Found, key: _Key, text: str) -> None:
    number = decimal_of(text)
    if number is None:
        if key.value_as_string:
            found.add(AS_STRING, {**key.labels, "val": text}, 1.0)
    elif key.value:
        found.add(VALUE, key.labels, number)


def _number(reply: Reply | CommandError) -> float | None:
    return float(reply) if isinstance(reply, int) else None


SECTION = CommandSection(
    "keys",
    FAMILIES,
    collect,
    permissions,
    applies=lambda server: bool(server.config.keys.names or server.config.keys.patterns or server.config.keys.counts),
    preset=Preset.MINIMAL,
)
