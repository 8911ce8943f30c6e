"""Who calls whom, of whole traces: edges as the collector's servicegraph connector names and labels them.

An edge is a pair of spans, client and server or producer and consumer, the second below the first. What no span was
served for is a virtual node: a database, somebody else's service by its address, or a user, who sends no spans.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.reference.spans.sent import CALLED, CLIENT, CONSUMER, PRODUCER, SERVED, SERVER, Sent
from tests.reference.spans.series import Samples, labels_of
from tests.reference.spans.trace import Trace, is_call, traces_of

BOUNDS = (0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0)
"""The connector's own, in seconds."""
MESSAGING, DATABASE, VIRTUAL = "messaging_system", "database", "virtual_node"
USER = "user"
PREFIX = "traces_service_graph_"
_PAIRS = {SERVER: CLIENT, CONSUMER: PRODUCER}
_PEERS = ("peer.service", "server.address", "net.peer.name")
_DATABASES = ("db.namespace", "db.name", *_PEERS)


class Edge(NamedTuple):
    """A request from one node to another; a side that sent no span took as long as the other says."""

    client: str
    server: str
    connection_type: str
    failed: bool
    client_seconds: float
    server_seconds: float
    weight: float


class Graph(NamedTuple):
    """The edges of some traces, and the spans whose other side never came."""

    edges: list[Edge]
    unpaired: list[Sent]

    def samples(self) -> Samples:
        """Return what /metrics shows of it."""
        samples: Samples = {}

        def add(name: str, weight: float, **labels: str) -> None:
            key = f"{PREFIX}{name}", labels_of(labels)
            samples[key] = samples.get(key, 0.0) + weight

        for edge in self.edges:
            of = {"client": edge.client, "server": edge.server, "connection_type": edge.connection_type}
            add("request_total", edge.weight, **of)
            add("request_failed_total", edge.weight * edge.failed, **of)
            for side, seconds in (("client", edge.client_seconds), ("server", edge.server_seconds)):
                name = f"request_{side}_seconds"
                add(f"{name}_sum", seconds * edge.weight, **of)
                add(f"{name}_count", edge.weight, **of)
                first = bisect_left(BOUNDS, seconds)
                for number, bound in enumerate((*(f"{bound:g}" for bound in BOUNDS), "+Inf")):
                    add(f"{name}_bucket", edge.weight * (number >= first), le=bound, **of)
        for sent in self.unpaired:
            side = "client" if sent.kind in CALLED else "server"
            kind = MESSAGING if sent.kind in (PRODUCER, CONSUMER) else ""
            add("unpaired_spans_total", sent.weight, connection_type=kind, **{side: sent.service})
        return samples


def service_graph(spans: Iterable[Sent]) -> Graph:
    """Return the graph of all traces in `spans`."""
    graph = Graph([], [])
    for trace in traces_of(spans).values():
        _add(graph, trace)
    return graph


def _add(graph: Graph, trace: Trace) -> None:
    innermost = trace.statements()
    paired = set[int]()
    for sent in trace.spans:
        caller = next(trace.callers(sent), None)
        if sent.kind in SERVED and caller is not None and caller.kind == _PAIRS[sent.kind]:
            paired.add(id(caller))
            graph.edges.append(_pair(caller, sent))
        elif sent.kind in SERVED and not sent.parent_id:
            kind = MESSAGING if sent.kind == CONSUMER else VIRTUAL
            graph.edges.append(_one_sided(USER, sent.service, kind, sent))
        elif sent.kind in SERVED and sent.is_local_root:
            graph.unpaired.append(sent)
    for sent in trace.spans:
        if is_call(sent) and sent in innermost:
            graph.edges.append(_one_sided(sent.service, _named(sent, _DATABASES), DATABASE, sent))
        elif sent.kind in CALLED and id(sent) not in paired and not _is_no_call(trace, sent):
            if peer := _peer_of(sent):
                graph.edges.append(_one_sided(sent.service, peer, VIRTUAL, sent))
            else:
                graph.unpaired.append(sent)


def _is_no_call(trace: Trace, sent: Sent) -> bool:
    """Whether a client's span is none of an edge: a connection, part of a database call, or around another span."""
    if is_call(sent) or sent.shape.connection is not None:
        return True
    if any(is_call(caller) for caller in trace.line_up(sent)):
        return True
    return any(other.parent_id == sent.span_id and other.kind in CALLED for other in trace.spans)


def _pair(client: Sent, server: Sent) -> Edge:
    kind = MESSAGING if client.kind == PRODUCER else ""
    failed = client.failed or server.failed
    return Edge(client.service, server.service, kind, failed, client.seconds, server.seconds, server.weight)


def _one_sided(client: str, server: str, kind: str, sent: Sent) -> Edge:
    return Edge(client, server, kind, sent.failed, sent.seconds, sent.seconds, sent.weight)


def _peer_of(sent: Sent) -> str:
    """Return who was called, without a port: as the metrics of clients say it."""
    if sent.shape.http is not None:
        return sent.shape.http.peer.replace("(none)", "")
    if sent.kind == PRODUCER:
        return sent.shape.messaging.destination if sent.shape.messaging else ""
    return next(_texts(sent, _PEERS), "")


def _named(sent: Sent, keys: Iterable[str]) -> str:
    """Return what the first of `keys` says, else the system."""
    assert sent.shape.database is not None
    return next(_texts(sent, keys), sent.shape.database.system)


def _texts(sent: Sent, keys: Iterable[str]) -> Iterator[str]:
    said = {pair.key: pair.value.string_value for pair in sent.span.attributes}
    return (said[key] for key in keys if said.get(key))
