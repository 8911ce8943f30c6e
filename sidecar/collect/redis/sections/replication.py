"""The server's part in replication: its replicas, or its primary."""

import re
from collections.abc import Iterable, Mapping

from sidecar.collect.redis.info import parse_pairs
from sidecar.collect.redis.section import Field, RedisServer, Section, gauge, number_of, numbers
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

FIELDS = (
    gauge("connected_slaves", "connected_slaves", "Replicas connected to this server."),
    gauge("repl_backlog_size", "replication_backlog_bytes", "Size of the replication backlog in bytes."),
    gauge("repl_backlog_active", "repl_backlog_is_active", "1 when the replication backlog is in use."),
    gauge("repl_backlog_first_byte_offset", "repl_backlog_first_byte_offset", "Offset at which the backlog starts."),
    gauge("repl_backlog_histlen", "repl_backlog_history_bytes", "Bytes the backlog holds."),
    gauge("master_repl_offset", "master_repl_offset", "Replication offset of this server, in bytes."),
    gauge("second_repl_offset", "second_repl_offset", "Offset up to which the former primary's stream is accepted."),
    gauge("slave_expires_tracked_keys", "slave_expires_tracked_keys", "Keys a writable replica expires itself."),
    gauge("slave_priority", "slave_priority", "Priority of this replica at a failover."),
    gauge("sync_full", "replica_resyncs_full", "Full synchronisations of replicas."),
    gauge("sync_partial_ok", "replica_partial_resync_accepted", "Partial synchronisations accepted."),
    gauge("sync_partial_err", "replica_partial_resync_denied", "Partial synchronisations refused."),
)

PRIMARY_LABELS = ("master_host", "master_port")
REPLICA_LABELS = ("slave_ip", "slave_port", "slave_state")


def _of_primary(field: str, name: str, text: str) -> Field:
    return Field(field, Family(f"redis_{name}", MetricType.GAUGE, text, PRIMARY_LABELS))


PRIMARY_FIELDS = (
    _of_primary("master_link_status", "master_link_up", "1 when the link to the primary is up."),
    _of_primary(
        "master_last_io_seconds_ago",
        "master_last_io_seconds_ago",
        "Seconds since the primary was last heard; -1: never.",
    ),
    _of_primary("master_sync_in_progress", "master_sync_in_progress", "1 while the primary sends its whole data."),
    _of_primary("slave_repl_offset", "slave_repl_offset", "Replication offset this replica has reached, in bytes."),
)
LINK_DOWN = Family(
    "sidecar_redis_master_link_down_seconds",
    MetricType.GAUGE,
    "Time since a replica lost its primary; 0: it has it, -1: it never had.",
    PRIMARY_LABELS,
)
REPLICA = Family(
    "redis_slave_info",
    MetricType.GAUGE,
    "Always 1 on a replica; the labels name its primary.",
    (*PRIMARY_LABELS, "read_only"),
)
REPLICA_OFFSET = Family(
    "redis_connected_slave_offset_bytes",
    MetricType.GAUGE,
    "Replication offset the replica has confirmed.",
    REPLICA_LABELS,
)
REPLICA_LAG = Family(
    "redis_connected_slave_lag_seconds", MetricType.GAUGE, "Seconds since the replica last reported.", REPLICA_LABELS
)

_REPLICA = re.compile("slave[0-9]+")


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the numbers, on a replica those about its primary, on a primary those about each replica."""
    info = server.info
    yield from numbers(info, FIELDS)
    # A primary has no field of this name, but any text may stand in the address of a replica.
    if info.get("master_host") and info.get("role") != "master":
        primary = {label: info.get(label, "") for label in PRIMARY_LABELS}
        yield from numbers(info, PRIMARY_FIELDS, labels_of(primary))
        # The server tells it only while the link is down.
        down = 0.0 if info.get("master_link_status") == "up" else number_of(info.get("master_link_down_since_seconds"))
        if down is not None:
            yield FamilySamples(LINK_DOWN, [Sample(LINK_DOWN.name, labels_of(primary), down)])
        labels = labels_of(primary | {"read_only": info.get("slave_read_only", "")})
        yield FamilySamples(REPLICA, [Sample(REPLICA.name, labels, 1.0)])
    replicas = [parse_pairs(value) for field, value in info.items() if _REPLICA.fullmatch(field)]
    yield from _of_replicas(replicas, REPLICA_OFFSET, "offset")
    yield from _of_replicas(replicas, REPLICA_LAG, "lag")


def _of_replicas(replicas: Iterable[Mapping[str, str]], family: Family, field: str) -> Iterable[FamilySamples]:
    samples = [
        Sample(
            family.name, labels_of((f"slave_{name}", replica.get(name, "")) for name in ("ip", "port", "state")), value
        )
        for replica in replicas
        if (value := number_of(replica.get(field))) is not None
    ]
    if samples:
        yield FamilySamples(family, samples)


SECTION = Section(
    "replication",
    (*(field.family for field in (*FIELDS, *PRIMARY_FIELDS)), LINK_DOWN, REPLICA, REPLICA_OFFSET, REPLICA_LAG),
    convert,
)
