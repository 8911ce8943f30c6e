"""Configured streams with their groups and consumers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sidecar.collect.config import Preset
from sidecar.collect.redis.config import RedisConfig
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
from sidecar.collect.redis.scan import matches
from sidecar.collect.redis.section import Ask, CommandError, CommandSection, RedisServer, Refused, Reply
from sidecar.collect.redis.stream_info import entry_milliseconds, id_milliseconds, named, number_in, rows
from sidecar.model.family import Family, FamilySamples, MetricType

_STREAM = ("db", "stream")
_GROUP = (*_STREAM, "group")
_CONSUMER = (*_GROUP, "consumer")


def _gauge(name: str, text: str, labels: tuple[str, ...]) -> Family:
    return Family(f"redis_stream_{name}", MetricType.GAUGE, text, labels)


STREAM_NUMBERS = {
    "length": _gauge("length", "Entries of the stream.", _STREAM),
    "radix-tree-keys": _gauge("radix_tree_keys", "Keys in the radix tree that the stream is kept in.", _STREAM),
    "radix-tree-nodes": _gauge("radix_tree_nodes", "Nodes of the radix tree that the stream is kept in.", _STREAM),
    "groups": _gauge("groups", "Consumer groups of the stream.", _STREAM),
    "entries-added": Family(
        "redis_stream_entries_added_total", MetricType.COUNTER, "Entries ever added to the stream.", _STREAM
    ),
}
STREAM_IDS = {
    "last-generated-id": _gauge(
        "last_generated_id", "Newest id the stream has given, its time part in milliseconds.", _STREAM
    ),
    "max-deleted-entry-id": _gauge(
        "max_deleted_entry_id", "Greatest id that was deleted, its time part in milliseconds; 0: none.", _STREAM
    ),
}
STREAM_ENTRIES = {
    "first-entry": _gauge("first_entry_id", "Id of the oldest entry, its time part in milliseconds.", _STREAM),
    "last-entry": _gauge("last_entry_id", "Id of the newest entry, its time part in milliseconds.", _STREAM),
}
GROUP_NUMBERS = {
    "consumers": _gauge("group_consumers", "Consumers of the group.", _GROUP),
    "pending": _gauge("group_messages_pending", "Entries that the group has read and not acknowledged.", _GROUP),
    "entries-read": _gauge("group_entries_read", "Entries that the group has read, by the server's count.", _GROUP),
    "lag": _gauge(
        "group_lag", "Entries that the group has not read yet; left out when the server cannot tell.", _GROUP
    ),
}
LAST_DELIVERED = _gauge(
    "group_last_delivered_id", "Id of the last entry that the group has read, its time part in milliseconds.", _GROUP
)
CONSUMER_PENDING = _gauge(
    "group_consumer_messages_pending", "Entries that the consumer has read and not acknowledged.", _CONSUMER
)
CONSUMER_IDLE = _gauge(
    "group_consumer_idle_seconds", "Time since the consumer last tried to read, in seconds.", _CONSUMER
)
LEFT_OUT = Family(
    "sidecar_redis_streams_left_out",
    MetricType.GAUGE,
    "Streams, groups and consumers (by label) over the limits, or with too long a name, that are not shown.",
    ("what",),
)
FAMILIES = (
    *STREAM_NUMBERS.values(),
    *STREAM_IDS.values(),
    *STREAM_ENTRIES.values(),
    *GROUP_NUMBERS.values(),
    LAST_DELIVERED,
    CONSUMER_PENDING,
    CONSUMER_IDLE,
    LEFT_OUT,
)


class _Stream(NamedTuple):
    """A stream that is told about."""

    database: int
    name: bytes

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all its samples."""
        return {"db": database_label(self.database), "stream": shown(self.name)}

    def asked(self, verb: str, *arguments: bytes) -> Placed:
        """Return the question `verb` about this stream."""
        return self.database, Question(verb, self.name, arguments)


class _Group(NamedTuple):
    """A group that is told about."""

    stream: _Stream
    name: bytes

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all its samples."""
        return {**self.stream.labels, "group": shown(self.name)}

    @property
    def consumers(self) -> Placed:
        """The question for its consumers."""
        return self.stream.asked("XINFO CONSUMERS", self.name)


class _Told:
    """What is known so far, and how much the limits left out."""

    def __init__(self) -> None:
        self.found = Found()
        self._left_out = {"groups": 0, "consumers": 0}

    def within(self, what: str, names: Sequence[bytes], limit: int) -> Sequence[bytes]:
        """Return the first `limit` of those names that are short enough; count the others."""
        kept = [name for name in names if len(name) <= NAME_LIMIT][:limit]
        self._left_out[what] += len(names) - len(kept)
        return kept

    def everything(self) -> Iterable[FamilySamples | Refused]:
        """Return it."""
        for what, count in self._left_out.items():
            self.found.add(LEFT_OUT, {"what": what}, count)
        return self.found.everything()


async def collect(ask: Ask, server: RedisServer) -> Iterable[FamilySamples | Refused]:
    """Ask for the types, then about the streams and their groups, then about the consumers of each group."""
    told = _Told()
    streams = [*_named(server), *await _matching(ask, server, told)]
    types = await ask_all(ask, server, [stream.asked("TYPE") for stream in streams])
    told.found.refused += refusals(types)
    present = [stream for stream in streams if _is_stream(stream, types[stream.asked("TYPE")], told.found)]
    replies = await ask_all(
        ask, server, [stream.asked(verb) for stream in present for verb in ("XINFO STREAM", "XINFO GROUPS")]
    )
    told.found.refused += refusals(replies)
    groups = [group for stream in present for group in _add_stream(told, stream, replies, server)]
    if server.config.streams.consumers:
        consumers = await ask_all(ask, server, [group.consumers for group in groups])
        told.found.refused += refusals(consumers)
        for group in groups:
            _add_consumers(told, group, consumers[group.consumers], server.config.streams.max_consumers)
    return told.everything()


def permissions(config: RedisConfig) -> Sequence[str]:
    """Return the ACL rules for the configured streams and patterns."""
    streams = config.streams
    verbs = ["TYPE", "XINFO STREAM", "XINFO GROUPS"]
    verbs += ["XINFO CONSUMERS"] if streams.consumers else []
    verbs += ["SCAN"] if streams.patterns else []
    patterns = [*(pattern_of(item.name) for item in streams.names), *(item.pattern for item in streams.patterns)]
    return rules_for(patterns, verbs, (item.db for item in (*streams.names, *streams.patterns)))


def _named(server: RedisServer) -> list[_Stream]:
    named_ones = (_Stream(database_of(item.db, server), item.name.encode()) for item in server.config.streams.names)
    return list(dict.fromkeys(named_ones))


async def _matching(ask: Ask, server: RedisServer, told: _Told) -> list[_Stream]:
    """Return the streams that match a pattern and are not configured by name."""
    config = server.config.streams
    matching = await matches(ask, server, config, config.max_streams, "stream")
    told.found.refused += matching.refused
    told.found.add(LEFT_OUT, {"what": "streams"}, matching.left_out)
    return [_Stream(database, name) for database, name in matching.kept]


def _is_stream(stream: _Stream, reply: Reply | CommandError, found: Found) -> bool:
    """Return whether the key is a stream; nothing is known of one that is gone, another type is told."""
    if isinstance(reply, bytes) and reply not in (b"stream", b"none"):
        error = CommandError(f"the key is of type {shown(reply)}")
        found.refused.append(Refused(shown(stream.name), error))
    return reply == b"stream"


def _add_stream(told: _Told, stream: _Stream, replies: Replies, server: RedisServer) -> list[_Group]:
    """Add what is known of the stream and its groups; return those groups that are shown."""
    info = replies[stream.asked("XINFO STREAM")]
    if not isinstance(info, CommandError):
        _add_info(told.found, stream, named(info))
    reply = replies[stream.asked("XINFO GROUPS")]
    by_name = _by_name(reply)
    names = told.within("groups", list(by_name), server.config.streams.max_groups)
    groups = [_Group(stream, name) for name in names]
    for group in groups:
        _add_group(told.found, group, by_name[group.name])
    return groups


def _by_name(reply: Reply | CommandError) -> Mapping[bytes, Mapping[str, Reply]]:
    told = [] if isinstance(reply, CommandError) else rows(reply)
    return {name: row for row in told if isinstance(name := row.get("name"), bytes)}


def _add_info(found: Found, stream: _Stream, info: Mapping[str, Reply]) -> None:
    for field, family in STREAM_NUMBERS.items():
        found.add(family, stream.labels, number_in(info, field))
    for field, family in STREAM_IDS.items():
        found.add(family, stream.labels, id_milliseconds(info.get(field)))
    for field, family in STREAM_ENTRIES.items():
        found.add(family, stream.labels, entry_milliseconds(info.get(field)))


def _add_group(found: Found, group: _Group, row: Mapping[str, Reply]) -> None:
    for field, family in GROUP_NUMBERS.items():
        found.add(family, group.labels, number_in(row, field))
    found.add(LAST_DELIVERED, group.labels, id_milliseconds(row.get("last-delivered-id")))


def _add_consumers(told: _Told, group: _Group, reply: Reply | CommandError, limit: int) -> None:
    by_name = _by_name(reply)
    busiest = sorted(by_name, key=lambda name: (-(number_in(by_name[name], "pending") or 0), name))
    for name in told.within("consumers", busiest, limit):
        labels, row = {**group.labels, "consumer": shown(name)}, by_name[name]
        idle = number_in(row, "idle")
        told.found.add(CONSUMER_PENDING, labels, number_in(row, "pending"))
        told.found.add(CONSUMER_IDLE, labels, None if idle is None else idle / 1000)


SECTION = CommandSection(
    "streams",
    FAMILIES,
    collect,
    permissions,
    applies=lambda server: bool(server.config.streams.names or server.config.streams.patterns),
    preset=Preset.MINIMAL,
)
