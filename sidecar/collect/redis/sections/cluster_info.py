"""The cluster as one of its nodes sees it."""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.info import parse_info
from sidecar.collect.redis.section import Answers, Field, PipelinedSection, RedisServer, gauge, numbers, text_of
from sidecar.model.family import FamilySamples


def _gauge(name: str, text: str) -> Field:
    return gauge(f"cluster_{name}", f"cluster_{name}", text)


MESSAGES = {
    "ping": "Pings",
    "pong": "Answers to pings",
    "meet": "Invitations of nodes",
    "fail": "News of failed nodes",
    "publish": "Published messages",
    "publishshard": "Published messages of a shard",
    "auth-req": "Requests for a vote at a failover",
    "auth-ack": "Votes at a failover",
    "update": "News of slots that moved",
    "mfstart": "Starts of manual failovers",
    "module": "Messages of modules",
}


def _of_messages(kind: str, what: str, direction: str) -> Field:
    field = f"cluster_stats_messages_{kind}_{direction}"
    return gauge(
        field, field.replace("-", "_"), f"{what} {direction} over the cluster bus; not there before the first."
    )


FIELDS = (
    _gauge("state", "1 when the node serves queries: all slots it needs are served."),
    _gauge("slots_assigned", "Slots that some node has."),
    _gauge("slots_ok", "Slots whose node is well."),
    _gauge("slots_pfail", "Slots whose node this one cannot reach."),
    _gauge("slots_fail", "Slots whose node has failed."),
    _gauge("known_nodes", "Nodes that this one knows, failed ones among them."),
    _gauge("size", "Primaries that have slots."),
    _gauge("current_epoch", "Epoch of the cluster; it grows with every failover."),
    _gauge("my_epoch", "Epoch in which this node got its slots."),
    gauge("cluster_stats_messages_sent", "cluster_messages_sent_total", "Messages sent over the cluster bus."),
    gauge(
        "cluster_stats_messages_received",
        "cluster_messages_received_total",
        "Messages received over the cluster bus.",
    ),
    *(_of_messages(kind, what, way) for kind, what in MESSAGES.items() for way in ("sent", "received")),
)

COMMAND = ("CLUSTER", "INFO")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a node of a cluster."""
    return (COMMAND,) if server.info.get("cluster_enabled") == "1" else ()


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return what the node knows; messages only of the kinds that it has seen."""
    return numbers(parse_info(text_of(answers.get(COMMAND, b""))), FIELDS)


SECTION = PipelinedSection(
    "cluster_info",
    tuple(field.family for field in FIELDS),
    commands,
    convert,
    permissions=("+cluster|info",),
)
