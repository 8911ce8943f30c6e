"""The stage of the service graph: it pairs the spans of both sides of requests."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.model.family import Family, FamilySamples, MetricType
from sidecar.model.span import SpanKind
from sidecar.model.span_columns import id_bytes
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.service_graph.edges import LABELS, Connection, Edge, EdgeMetrics, Requests
from sidecar.spans.service_graph.found import FoundRequests
from sidecar.spans.service_graph.halves import Half, Halves, halves_of
from sidecar.spans.service_graph.sides import SideFinder, Sides
from sidecar.spans.shape import ObservedSpans, SpanShape
from sidecar.spans.stage import Stage, Stages
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import Places

USER = "user"
"""Who calls without a span of his own."""
UNPAIRED = Family(
    "traces_service_graph_unpaired_spans_total",
    MetricType.COUNTER,
    "Spans that are no edge: the other side of their request sent none, and nothing says who that is.",
    LABELS,
)
DROPPED = Family(
    "traces_service_graph_dropped_spans_total",
    MetricType.COUNTER,
    "Spans that are no edge because there was no room to wait for the other side, or because they came twice.",
    LABELS,
)
_UNPAIRED_PER_SERVICE = 4
_REMEMBERED = 5000
"""Pairs of shapes whose edge is remembered."""


def service_graph(context: StageContext) -> Stage:
    """Return the stage."""
    if not context.config.service_graph.enabled:
        return Stages([])
    graph = ServiceGraph(context.config, context.budget, context.insights.wall)
    context.window.tell(graph)
    return graph


class ServiceGraph:
    """Judge that finds edges among spans whose trace is due, and stage that shows them.

    A client and each server below it are an edge, and so are a producer and each of its consumers. Both mostly come in
    one turn of their trace; else the first waits for the other. Whoever waits in vain is an edge to or from a virtual
    node if it says who that is.
    """

    def __init__(self, config: SpansConfig, budget: Budget, wall: Callable[[float], float]) -> None:
        limits = config.limits(samples_per_series=1)._replace(series_per_service=_UNPAIRED_PER_SERVICE)
        self._counts = {family: CountedSeries(family, limits, budget, "client") for family in (UNPAIRED, DROPPED)}
        self._edges = EdgeMetrics(config, budget, wall)
        self._sides = SideFinder([SpanKind[kind.upper()] for kind in config.kinds])
        self._halves = Halves(config.service_graph.wait_seconds)
        self._known: dict[tuple[SpanShape, SpanShape], int] = {}

    def feed(self, spans: ObservedSpans) -> None:
        """Do nothing: spans come when their trace is due."""

    def judge(self, due: DueSpans, now: float) -> None:
        """Find the edges among spans, and what of them waits for its other side."""
        sides, found = self._sides.find(due), FoundRequests()
        alone = np.concatenate((sides.databases, sides.entrances))
        clients, servers = np.concatenate((sides.clients, alone)), np.concatenate((sides.servers, alone))
        self._add_known(due, clients, servers, now)
        self._count(UNPAIRED, halves_of(due, sides.strays, now), now)
        self._add_callers(due, sides, found, now)
        self._add_orphans(due, sides, found, now)
        self._end(self._halves.crowded_out(), DROPPED, found, now)
        self._edges.add(found.requests(self._edges.row_of), now)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families at Unix time `now`."""
        found = FoundRequests()
        self._end(self._halves.ended(now), UNPAIRED, found, now)
        self._edges.add(found.requests(self._edges.row_of), now)
        self._known.clear()
        yield from self._edges.samples(now)
        for counts in self._counts.values():
            yield from counts.samples(now)

    def _add_known(self, due: DueSpans, clients: Places, servers: Places, now: float) -> None:
        """Add requests both sides of which are known; one of a database or of a user has one span for both."""
        rows = due.rows
        shapes = [*zip(rows.what[clients].tolist(), rows.what[servers].tolist(), strict=True)]
        of_edges = [*map(self._known.get, shapes)]
        if None in of_edges:
            of_edges = [self._row_of(*of_both) for of_both in shapes]

        def ids_of(number: int) -> tuple[bytes, bytes]:
            place = int(clients[number])
            return due.trace_id(place), id_bytes(int(rows.span_id[place]))

        requests = Requests(
            np.array(of_edges, np.int64),
            rows.seconds[clients],
            rows.seconds[servers],
            rows.fails[clients] | rows.fails[servers],
            rows.weight[servers],
            ids_of,
        )
        self._edges.add(requests, now)

    def _row_of(self, client: SpanShape, server: SpanShape) -> int:
        row = self._known.get((client, server))
        if row is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            row = self._known[client, server] = self._edges.row_of(_edge_of(client, server))
        return row

    def _add_callers(self, due: DueSpans, sides: Sides, found: FoundRequests, now: float) -> None:
        """Let calls wait for who served them; those that cannot are over."""
        is_paired = np.zeros(len(due.rows), np.bool_)
        is_paired[sides.clients] = True
        paired = is_paired[sides.callers].tolist()
        for half, is_known in zip(halves_of(due, sides.callers, now), paired, strict=True):
            if not half.trace_id or not half.span_id:
                self._end([half], UNPAIRED, found, now)
                continue
            servers = self._halves.add_client(half, is_paired=is_known)
            if servers is None:
                self._count(DROPPED, [half], now)
                continue
            for server in servers:
                found.between(half, server)

    def _add_orphans(self, due: DueSpans, sides: Sides, found: FoundRequests, now: float) -> None:
        """Let what was served wait for who called; what cannot is over."""
        parents = due.rows.parent_id[sides.orphans].tolist()
        for half, parent in zip(halves_of(due, sides.orphans, now), parents, strict=True):
            if not half.trace_id:
                self._end([half], UNPAIRED, found, now)
                continue
            client = self._halves.add_server(parent, half)
            if client is not None:
                found.between(client, half)

    def _end(self, halves: Iterable[Half], nameless: Family, found: FoundRequests, now: float) -> None:
        """Add what halves become that wait no longer; if they do not say who their other side is, to `nameless`."""
        unknown = []
        for half in halves:
            if not half.other_side:
                unknown.append(half)
            elif half.is_client:
                found.by(half, half.other_side)
            else:
                found.to(half, half.other_side)
        self._count(nameless, unknown, now)

    def _count(self, family: Family, halves: Iterable[Half], now: float) -> None:
        weights: defaultdict[tuple[str, bool, bool], float] = defaultdict(float)
        for half in halves:
            weights[half.service, half.is_client, half.is_message] += half.weight
        for (service, is_client, is_message), weight in weights.items():
            client, server = (service, "") if is_client else ("", service)
            connection = Connection.MESSAGES if is_message else Connection.DIRECT
            labels = {"client": client, "server": server, "connection_type": connection.value}
            self._counts[family].add(service, labels, weight, now)


def _edge_of(client: SpanShape, server: SpanShape) -> Edge:
    if client is not server:
        is_message = client.kind == SpanKind.PRODUCER or server.kind == SpanKind.CONSUMER
        connection = Connection.MESSAGES if is_message else Connection.DIRECT
        return Edge(client.service, client.service, server.service, connection)
    service, other = client.service, client.other_side
    if client.kind == SpanKind.CLIENT:
        return Edge(service, service, other, Connection.DATABASE)
    return Edge(service, other or USER, service, Connection.VIRTUAL)
