"""Who calls whom: edges as the collector's servicegraph connector names and labels them, each request by itself.

An edge is a pair of spans, client and server or producer and consumer, the second below the first. What no span was
served for is a virtual node: a database, somebody else's service by its address, a queue, or a user
who sends no spans.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.reference.spans.sent import CALLED, CONSUMER, PRODUCER, SERVED, Sent
from tests.reference.spans.series import Counted, Labels, LimitedSeries, labels_of
from tests.reference.spans.trace import Trace, is_call, traces_of

BOUNDS = (0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0)
"""The connector's own, in seconds."""
MESSAGING, DATABASE, VIRTUAL = "messaging_system", "database", "virtual_node"
USER = "user"
PREFIX = "traces_service_graph_"
CALLERS_WAIT_SECONDS, SERVERS_WAIT_SECONDS = 10.0, 60.0
EDGES_PER_SERVICE = 50
_MESSAGES = (PRODUCER, CONSUMER)


class Edge(NamedTuple):
    """A request from one node to another; a side that sent no span took as long as the other says."""

    client: str
    server: str
    connection_type: str
    failed: bool
    client_seconds: float
    server_seconds: float
    weight: float
    told_by: str


@dataclass
class Waiting:
    """A span that waits for the other side."""

    sent: Sent
    since: float
    is_paired: bool = False


class ServiceGraph:
    """Takes traces as they are judged; what is not paired within one waits for what is judged later."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self._callers: dict[tuple[bytes, bytes], Waiting] = {}
        self._orphans: dict[tuple[bytes, bytes], list[Waiting]] = {}
        self._series = LimitedSeries("client", EDGES_PER_SERVICE)
        self._of_series: dict[Labels, list[Edge]] = {}
        self._unpaired = Counted(f"{PREFIX}unpaired_spans_total", LimitedSeries("client", 4))
        self._dropped = Counted(f"{PREFIX}dropped_spans_total", LimitedSeries("client", 4))

    def judge(self, trace: Trace, now: float) -> None:
        """Take a trace that is judged at Unix time `now`, or what is judged of it."""
        statements = trace.statements()
        clients = [caller for sent in trace.spans if (caller := _client_of(trace, sent)) is not None]
        for sent in trace.spans:
            if is_call(sent):
                if sent in statements and sent not in clients:
                    self._add(sent.service, sent.shape.other_side, DATABASE, sent, sent)
            elif sent.kind in CALLED and _may_leave(trace, sent):
                self._wait_for_server(sent, now, is_paired=sent in clients)
        for sent in trace.spans:
            if sent.kind in SERVED:
                self._serve(trace, sent, now)

    def expire(self, now: float) -> None:
        """Give up waiting, as it is Unix time `now`."""
        for key, caller in list(self._callers.items()):
            if caller.since + CALLERS_WAIT_SECONDS <= now:
                del self._callers[key]
                self._end(caller)
        for key, orphans in list(self._orphans.items()):
            if orphans[0].since + SERVERS_WAIT_SECONDS <= now:
                del self._orphans[key]
                for orphan in orphans:
                    self._end(orphan)

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        for labels, edges in self._of_series.items():
            yield (f"{PREFIX}request_total", labels), sum(edge.weight for edge in edges)
            yield (f"{PREFIX}request_failed_total", labels), sum(edge.weight for edge in edges if edge.failed)
            for side in ("client", "server"):
                timed = [(getattr(edge, f"{side}_seconds"), edge.weight) for edge in edges]
                name = f"{PREFIX}request_{side}_seconds"
                for number, bound in enumerate((*(f"{bound:g}" for bound in BOUNDS), "+Inf")):
                    below = [weight for seconds, weight in timed if bisect_left(BOUNDS, seconds) <= number]
                    yield (f"{name}_bucket", labels_of({**dict(labels), "le": bound})), sum(below)
                yield (f"{name}_sum", labels), sum(seconds * weight for seconds, weight in timed)
                yield (f"{name}_count", labels), sum(weight for _, weight in timed)
        yield ("sidecar_spans_overflowed_total", (("metric", f"{PREFIX}request_total"),)), self._series.overflowed
        yield from self._unpaired.samples()
        yield from self._dropped.samples()

    def _serve(self, trace: Trace, sent: Sent, now: float) -> None:
        caller, client = next(trace.callers(sent), None), _client_of(trace, sent)
        if client is not None:
            self._pair(client, sent)
        elif caller is None and sent.is_local_root:
            self._wait_for_caller(sent, now)
        elif sent.is_local_root:
            self._count(self._unpaired, sent)

    def _wait_for_server(self, sent: Sent, now: float, *, is_paired: bool) -> None:
        key, waiting = (sent.trace_id, sent.span_id), Waiting(sent, now, is_paired)
        if not all(key):
            self._end(waiting)
        elif key in self._callers:
            self._count(self._dropped, sent)
        else:
            self._callers[key] = waiting
            for orphan in self._orphans.pop(key, ()):
                waiting.is_paired = True
                self._pair(sent, orphan.sent)

    def _wait_for_caller(self, sent: Sent, now: float) -> None:
        key = sent.trace_id, sent.parent_id
        if not sent.parent_id:
            self._add(sent.shape.other_side or USER, sent.service, VIRTUAL, sent, sent)
        elif not sent.trace_id:
            self._end(Waiting(sent, now))
        elif key in self._callers:
            self._callers[key].is_paired = True
            self._pair(self._callers[key].sent, sent)
        else:
            self._orphans.setdefault(key, []).append(Waiting(sent, now))

    def _end(self, waiting: Waiting) -> None:
        sent, other = waiting.sent, waiting.sent.shape.other_side
        if waiting.is_paired:
            return
        if not other:
            self._count(self._unpaired, sent)
        elif sent.kind in CALLED:
            self._add(sent.service, other, VIRTUAL, sent, sent)
        else:
            self._add(other, sent.service, VIRTUAL, sent, sent)

    def _pair(self, client: Sent, server: Sent) -> None:
        kind = MESSAGING if client.kind == PRODUCER or server.kind == CONSUMER else ""
        self._add(client.service, server.service, kind, client, server)

    def _add(self, client: str, server: str, kind: str, of_client: Sent, of_server: Sent) -> None:
        failed, weight = of_client.failed or of_server.failed, of_server.weight
        edge = Edge(client, server, kind, failed, of_client.seconds, of_server.seconds, weight, of_client.service)
        labels = {"client": client, "server": server, "connection_type": kind}
        self._of_series.setdefault(self._series.place_of(edge.told_by, labels, weight), []).append(edge)
        self.edges.append(edge)

    def _count(self, counted: Counted, sent: Sent) -> None:
        side = "client" if sent.kind in CALLED else "server"
        kind = MESSAGING if sent.kind in _MESSAGES else ""
        counted.add(sent.service, {"client": "", side: sent.service, "connection_type": kind}, sent.weight)


def service_graph(spans: Iterable[Sent]) -> ServiceGraph:
    """Return the graph of whole traces, whenever their spans came."""
    graph = ServiceGraph()
    for trace in traces_of(spans).values():
        graph.judge(trace, 0.0)
    graph.expire(SERVERS_WAIT_SECONDS)
    return graph


def _client_of(trace: Trace, sent: Sent) -> Sent | None:
    """Return the span that called who served this one."""
    caller = next(trace.callers(sent), None)
    return caller if sent.kind in SERVED and caller is not None and caller.kind in CALLED else None


def _may_leave(trace: Trace, sent: Sent) -> bool:
    """Whether a client's span may be a request to another node.

    It is none if it gets a connection to a database, is part of a call to one, or is around another client's.
    """
    around = next(filter(is_call, trace.callers_within(sent)), None)
    is_part = around is not None and around.service == sent.service
    is_around = any(next(trace.callers(other), None) is sent for other in trace.spans if other.kind in CALLED)
    return sent.shape.connection is None and not is_part and not is_around
