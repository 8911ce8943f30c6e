"""A Sentinel: itself, and each primary it watches with the replicas and Sentinels around it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from sidecar.collect.redis.info import Info, parse_pairs
from sidecar.collect.redis.section import (
    Ask,
    CommandError,
    CommandSection,
    Field,
    RedisServer,
    Refused,
    Reply,
    gauge,
    is_sentinel,
    items_of,
    number_of,
    numbers,
    text_of,
)
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

FIELDS = (
    gauge("sentinel_masters", "sentinel_masters", "Primaries that the Sentinel watches."),
    gauge("sentinel_tilt", "sentinel_tilt", "1 when the Sentinel distrusts its own clock and does not act."),
    gauge("sentinel_running_scripts", "sentinel_running_scripts", "Scripts of the Sentinel that run."),
    gauge("sentinel_scripts_queue_length", "sentinel_scripts_queue_length", "Scripts of the Sentinel that wait."),
    gauge(
        "sentinel_simulate_failure_flags",
        "sentinel_simulate_failure_flags",
        "Failures that the Sentinel was told to simulate, as a sum of flags.",
    ),
)

PRIMARY_LABELS = ("master_name", "master_address")


def _of_primary(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    return Field(field, Family(f"redis_sentinel_master_{name}", MetricType.GAUGE, text, PRIMARY_LABELS), factor)


INFO_FIELDS = (
    _of_primary("slaves", "slaves", "Replicas of the primary that the Sentinel knows."),
    _of_primary("sentinels", "sentinels", "Sentinels of the primary, this one among them."),
)
DETAIL_FIELDS = (
    _of_primary("quorum", "setting_ckquorum", "Sentinels that have to agree that the primary is down."),
    _of_primary("failover-timeout", "setting_failover_timeout", "Time limit of a failover, in MILLISECONDS."),
    _of_primary("parallel-syncs", "setting_parallel_syncs", "Replicas that copy a new primary at a time."),
    _of_primary(
        "down-after-milliseconds",
        "setting_down_after_milliseconds",
        "Time without an answer after which the primary counts as down, in MILLISECONDS.",
    ),
    _of_primary("config-epoch", "config_epoch", "Epoch of the primary's configuration; it grows with every failover."),
    _of_primary("last-ok-ping-reply", "last_ok_ping_reply_seconds", "Time since the primary last answered.", 1e-3),
)
STATUS = Family(
    "redis_sentinel_master_status",
    MetricType.GAUGE,
    "1 when the Sentinel finds the primary well; the label says what it finds.",
    (*PRIMARY_LABELS, "master_status"),
)
QUORUM = Family(
    "redis_sentinel_master_ckquorum_status",
    MetricType.GAUGE,
    "1 when enough Sentinels are there for a failover; the label is the Sentinel's own sentence.",
    ("master_name", "message"),
)
OK_SENTINELS = Family(
    "redis_sentinel_master_ok_sentinels",
    MetricType.GAUGE,
    "Sentinels of the primary that are well, this one among them.",
    PRIMARY_LABELS,
)
OK_REPLICAS = Family(
    "redis_sentinel_master_ok_slaves", MetricType.GAUGE, "Replicas of the primary that are well.", PRIMARY_LABELS
)
MOST_PEERS = 100
"""Whoever may publish on the primary's channel of greetings can make up Sentinels."""
PEER_LABELS = ("name", "ip", "port", "runid", "flags")
PEER = Family(
    "redis_sentinel_peer_info",
    MetricType.GAUGE,
    f"Always 1; the labels say who else watches the primary, of the first {MOST_PEERS}.",
    (*PRIMARY_LABELS, *PEER_LABELS),
)

_PRIMARY_FIELD = re.compile("master[0-9]+")

MASTERS = ("SENTINEL", "MASTERS")

Row: TypeAlias = Mapping[str, str]
Replies: TypeAlias = Mapping[tuple[str, ...], Reply | CommandError]


async def collect(ask: Ask, server: RedisServer) -> Iterable[FamilySamples | Refused]:
    """Ask about every primary in one go: that a command is refused tells something here, or is about one primary."""
    asked = commands(server)
    return convert(dict(zip(asked, await ask.many(asked), strict=True)), server)


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Return what is asked: about all primaries, and about each that INFO says is watched."""
    names = [row["name"] for row in _watched(server.info)]
    return [MASTERS, *(("SENTINEL", what, name) for name in names for what in ("CKQUORUM", "SENTINELS", "SLAVES"))]


def convert(replies: Replies, server: RedisServer) -> Iterable[FamilySamples | Refused]:
    """Return what the Sentinel answered; what it tells by itself is in INFO, and shown in any case."""
    details = {row.get("name", ""): row for row in _rows(replies[MASTERS])}
    samples: list[Sample] = []
    for row in _watched(server.info):
        name = row["name"]
        detail = details.get(name, {})
        address = f"{detail['ip']}:{detail['port']}" if {"ip", "port"} <= detail.keys() else row.get("address", "")
        labels = _labels(name, address)
        samples += _of_info(row)
        samples += _quorum(name, replies["SENTINEL", "CKQUORUM", name])
        samples += _numbers(detail, DETAIL_FIELDS, labels)
        samples += _peers(replies["SENTINEL", "SENTINELS", name], labels)
        samples += _replicas(replies["SENTINEL", "SLAVES", name], labels)
    return [*numbers(server.info, FIELDS), *_by_family(samples), *_refusals(replies)]


def _refusals(replies: Replies) -> Iterable[Refused]:
    """Yield what the Sentinel did not tell; that there is no quorum is an answer."""
    for command, reply in replies.items():
        if isinstance(reply, CommandError) and not _is_no_quorum(reply):
            yield Refused(" ".join(command) if command == MASTERS else command[-1], reply)


def _watched(info: Info) -> list[Row]:
    rows = (parse_pairs(value) for field, value in info.items() if _PRIMARY_FIELD.fullmatch(field))
    return [row for row in rows if "name" in row]


def _labels(name: str, address: str) -> dict[str, str]:
    return {"master_name": name, "master_address": address}


def _of_info(row: Row) -> Iterable[Sample]:
    labels = _labels(row["name"], row.get("address", ""))
    yield from _numbers(row, INFO_FIELDS, labels)
    status = row.get("status", "")
    yield Sample(STATUS.name, labels_of(labels | {"master_status": status}), float(status == "ok"))


def _quorum(name: str, reply: Reply | CommandError) -> Iterable[Sample]:
    if isinstance(reply, CommandError) and not _is_no_quorum(reply):
        return
    message = str(reply) if isinstance(reply, CommandError) else text_of(reply)
    labels = labels_of({"master_name": name, "message": message})
    yield Sample(QUORUM.name, labels, float(not isinstance(reply, CommandError)))


def _is_no_quorum(error: CommandError) -> bool:
    return str(error).startswith("NOQUORUM")


def _peers(reply: Reply | CommandError, labels: dict[str, str]) -> Iterable[Sample]:
    if not isinstance(reply, CommandError):
        peers = _rows(reply)
        yield Sample(OK_SENTINELS.name, labels_of(labels), 1.0 + sum(map(_is_well, peers)))
        told = dict.fromkeys(labels_of(labels | {name: peer.get(name, "") for name in PEER_LABELS}) for peer in peers)
        yield from (Sample(PEER.name, peer, 1.0) for peer in islice(told, MOST_PEERS))


def _replicas(reply: Reply | CommandError, labels: dict[str, str]) -> Iterable[Sample]:
    if not isinstance(reply, CommandError):
        yield Sample(OK_REPLICAS.name, labels_of(labels), float(sum(map(_is_well, _rows(reply)))))


def _is_well(row: Row) -> bool:
    return "down" not in row.get("flags", "")


def _numbers(row: Row, fields: Iterable[Field], labels: dict[str, str]) -> Iterable[Sample]:
    sorted_labels: Labels = labels_of(labels)
    for field, family, factor in fields:
        value = number_of(row.get(field))
        if value is not None:
            yield Sample(family.name, sorted_labels, value * factor)


def _rows(reply: Reply | CommandError) -> list[Row]:
    """Return a list of `[name, value, ...]` as dicts; none of what was refused."""
    rows = [row for row in items_of(reply) if isinstance(row, list)]
    return [{text_of(key): text_of(value) for key, value in zip(row[::2], row[1::2], strict=False)} for row in rows]


FAMILIES_OF_PRIMARIES = (
    *(field.family for field in (*INFO_FIELDS, *DETAIL_FIELDS)),
    *(STATUS, QUORUM, OK_SENTINELS, OK_REPLICAS, PEER),
)


def _by_family(samples: Sequence[Sample]) -> Iterable[FamilySamples]:
    for family in FAMILIES_OF_PRIMARIES:
        own = [sample for sample in samples if sample.name == family.name]
        if own:
            yield FamilySamples(family, own)


SECTION = CommandSection(
    "sentinel",
    (*(field.family for field in FIELDS), *FAMILIES_OF_PRIMARIES),
    collect,
    permissions=("+sentinel|masters", "+sentinel|ckquorum", "+sentinel|sentinels", "+sentinel|slaves"),
    applies=lambda server: is_sentinel(server.info),
)
