"""The stage of the service graph: it pairs the spans of both sides of requests."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from operator import attrgetter

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.derive.series import Rows
from sidecar.model.family import Family, FamilySamples, MetricType
from sidecar.model.span import SpanKind
from sidecar.model.span_columns import id_bytes
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.service_graph.edges import LABELS, Connection, EdgeMetrics, Requests
from sidecar.spans.service_graph.halves import Halves, Waiting, halves_of
from sidecar.spans.service_graph.known import KnownEdges
from sidecar.spans.service_graph.sides import SideFinder, Sides
from sidecar.spans.shape import CALLED, ObservedSpans
from sidecar.spans.stage import Stage, Stages
from sidecar.spans.window.distinct import distinct
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import Bools, Floats, Objects, Places, Words
from sidecar.spans.window.window import WAIT_SECONDS

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
_MESSAGES = (SpanKind.PRODUCER, SpanKind.CONSUMER)


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
        self._known = KnownEdges(self._edges.row_of)
        self._sides = SideFinder([SpanKind[kind.upper()] for kind in config.kinds])
        self._clients = Waiting(config.service_graph.wait_seconds)
        self._servers = Waiting(WAIT_SECONDS)

    def feed(self, spans: ObservedSpans) -> None:
        """Do nothing: spans come when their trace is due."""

    def judge(self, due: DueSpans, now: float) -> None:
        """Find the edges among spans, and what of them waits for its other side."""
        rows, sides = due.rows, self._sides.find(due)
        between = self._known.between(rows.what[sides.clients], rows.what[sides.servers])
        self._add_known(due, between, sides.clients, sides.servers, now)
        alone = np.concatenate((sides.databases, sides.entrances))
        self._add_known(due, self._known.alone(rows.what[alone]), alone, alone, now)
        self._count(UNPAIRED, rows.what[sides.strays], rows.weight[sides.strays], now)
        self._add_callers(due, sides, now)
        self._add_orphans(due, sides.orphans, now)
        for waiting in (self._clients, self._servers):
            self._end(waiting.crowded_out(), DROPPED, now)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families at the time `now` of the steady clock."""
        for waiting in (self._clients, self._servers):
            for halves in waiting.ended(now):
                self._end(halves, UNPAIRED, now)
                yield FamilySamples(UNPAIRED, [])
        self._known.forget()
        yield from self._edges.samples(now)
        for counts in self._counts.values():
            yield from counts.samples(now)

    def _add_known(self, due: DueSpans, edges: Rows, clients: Places, servers: Places, now: float) -> None:
        """Add requests that need not wait; one of a database or of a user has one span for both sides."""
        rows = due.rows

        def ids_of(number: int) -> tuple[bytes, bytes]:
            place = int(clients[number])
            return due.trace_id(place), id_bytes(int(rows.span_id[place]))

        fails = rows.fails[clients] | rows.fails[servers]
        requests = Requests(edges, rows.seconds[clients], rows.seconds[servers], fails, rows.weight[servers], ids_of)
        self._edges.add(requests, now)

    def _add_callers(self, due: DueSpans, sides: Sides, now: float) -> None:
        """Let calls wait for who served them; those that cannot are over, and those that wait already are dropped."""
        rows = due.rows
        has_server = np.zeros(len(rows), np.bool_)
        has_server[sides.clients] = True
        callers = self._who_may_wait(due, sides.callers, rows.span_id, has_server, now)
        halves = halves_of(due, callers, rows.span_id[callers])
        places = self._clients.add(halves, now)
        is_first = self._clients.are_first(places)
        self._count(DROPPED, halves.what[~is_first], halves.weight[~is_first], now)
        clients, servers = self._servers.pairs_of(halves)
        self._add_found(halves.take(clients), self._servers.halves.take(servers), now)
        has_found = has_server[callers] | ~is_first
        has_found[clients] = True
        self._clients.has_found[places] = has_found
        self._servers.has_found[servers] = True

    def _add_orphans(self, due: DueSpans, orphans: Places, now: float) -> None:
        """Let what was served wait for who called; what cannot is over."""
        parents = due.rows.parent_id
        orphans = self._who_may_wait(due, orphans, parents, np.zeros(len(due.rows), np.bool_), now)
        halves = halves_of(due, orphans, parents[orphans])
        clients = self._clients.find(halves)
        found = clients >= 0
        clients = clients[found]
        self._add_found(self._clients.halves.take(clients), halves.take(found), now)
        self._clients.has_found[clients] = True
        self._servers.add(halves.take(~found), now)

    def _who_may_wait(self, due: DueSpans, places: Places, client_id: Words, has_other: Bools, now: float) -> Places:
        """Return those of `places` that have ids by which the other side is found; the others are over."""
        may_wait = (due.rows.slot[places] >= 0) & (client_id[places] != 0)
        if not may_wait.all():
            over = places[~may_wait & ~has_other[places]]
            self._end(halves_of(due, over, client_id[over]), UNPAIRED, now)
            places = places[may_wait]
        return places

    def _end(self, halves: Halves, nameless: Family, now: float) -> None:
        """Add what halves become that wait no longer; if they do not say who their other side is, to `nameless`."""
        if not halves.number:
            return
        others = map(bool, map(attrgetter("other_side"), halves.what.tolist()))
        is_named = np.fromiter(others, np.bool_, halves.number)
        named = halves.take(is_named)
        self._add(self._known.alone(named.what), named, named, now)
        self._count(nameless, halves.what[~is_named], halves.weight[~is_named], now)

    def _add_found(self, clients: Halves, servers: Halves, now: float) -> None:
        if clients.number:
            self._add(self._known.between(clients.what, servers.what), clients, servers, now)

    def _add(self, edges: Rows, clients: Halves, servers: Halves, now: float) -> None:
        """Add requests of which one side waited for the other, or in vain: then it is both."""
        fails = clients.fails | servers.fails
        requests = Requests(edges, clients.seconds, servers.seconds, fails, servers.weight, clients.ids_of)
        self._edges.add(requests, now)

    def _count(self, family: Family, spans: Objects, weights: Floats, now: float) -> None:
        """Count spans of these shapes, each as often as its weight."""
        if not len(spans):
            return
        shapes = distinct(np.fromiter(map(id, spans.tolist()), np.int64, len(spans)))
        of_sides: defaultdict[tuple[str, bool, bool], float] = defaultdict(float)
        for shape, weight in zip(spans[shapes.first].tolist(), np.bincount(shapes.of, weights).tolist(), strict=True):
            of_sides[shape.service, shape.kind in CALLED, shape.kind in _MESSAGES] += weight
        for (service, is_client, is_message), weight in of_sides.items():
            client, server = (service, "") if is_client else ("", service)
            connection = Connection.MESSAGES if is_message else Connection.DIRECT
            labels = {"client": client, "server": server, "connection_type": connection.value}
            self._counts[family].add(service, labels, weight, now)
