"""The metrics of edges, under the names of the collector's servicegraph connector, which are Tempo's."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.derive.series import Floats, PartNames, Rows, SeriesTable, grown
from sidecar.model.family import Family, FamilySamples, MetricType
from sidecar.spans.config import SpansConfig
from sidecar.spans.exemplars import Traced
from sidecar.spans.histogram import Histogram, counted
from sidecar.spans.stage import overflowed
from sidecar.spans.window.rows import Bools

BOUNDS = (0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0)
"""The connector's."""
LABELS = ("client", "server", "connection_type")


class Connection(StrEnum):
    """How two nodes are connected."""

    DIRECT = ""
    MESSAGES = "messaging_system"
    DATABASE = "database"
    VIRTUAL = "virtual_node"


REQUESTS = Family(
    "traces_service_graph_request_total", MetricType.COUNTER, "Requests from one node to another.", LABELS
)
FAILED = Family(
    "traces_service_graph_request_failed_total",
    MetricType.COUNTER,
    "Requests from one node to another that failed on either side.",
    LABELS,
)
CLIENT = Family(
    "traces_service_graph_request_client_seconds",
    MetricType.HISTOGRAM,
    "How long requests from one node to another took, as the client saw it.",
    LABELS,
)
SERVER = Family(
    "traces_service_graph_request_server_seconds",
    MetricType.HISTOGRAM,
    "How long requests from one node to another took, as the server saw it.",
    LABELS,
)


class Edge(NamedTuple):
    """From whom to whom; the limits are those of the service `told_by`, of a pair the client's."""

    told_by: str
    client: str
    server: str
    connection: Connection


class Requests(NamedTuple):
    """Requests as columns, each on the edge of its row; `ids_of` has those of trace and span, which may be empty."""

    rows: Rows
    client_seconds: Floats
    server_seconds: Floats
    failed: Bools
    weights: Floats
    ids_of: Callable[[int], tuple[bytes, bytes]]


class EdgeMetrics:
    """Counts and times the requests of each edge; `wall` makes Unix time of that of the steady clock."""

    def __init__(self, config: SpansConfig, budget: Budget, wall: Callable[[float], float]) -> None:
        self._wall = wall
        bounds = config.service_graph.buckets_seconds or BOUNDS
        self._client, self._server = Histogram(CLIENT, bounds), Histogram(SERVER, bounds)
        limits = config.limits(self._client.samples_per_row + self._server.samples_per_row + 2)
        most = config.service_graph.max_edges_per_service
        self._table = SeriesTable("client", limits._replace(series_per_service=most), budget)
        self._failed = np.zeros(0)
        self._part_names = PartNames()

    def row_of(self, edge: Edge) -> int:
        """Return the row of an edge, which holds until the next samples."""
        labels = {"client": edge.client, "server": edge.server, "connection_type": edge.connection.value}
        return self._table.row_of(edge.told_by, labels)

    def add(self, requests: Requests, now: float) -> None:
        """Add requests, at the time `now` of the steady clock."""
        rows, weights = requests.rows, requests.weights
        if not len(rows):
            return
        self._table.touch(rows, now, weights)
        self._failed = grown(self._failed, len(self._table.labels))
        np.add.at(self._failed, rows, requests.failed * weights)
        sides = (self._client, requests.client_seconds), (self._server, requests.server_seconds)
        for histogram, seconds in sides:
            histogram.make_room(len(self._table.labels))
            histogram.add(rows, Traced(seconds, now, self._wall(now), requests.ids_of), weights)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the families, all of this moment; `now` is when series may have expired."""
        kept = self._table.expire(now)
        if kept is not None:
            self._failed = self._failed[kept]
            for histogram in (self._client, self._server):
                histogram.keep(kept)
        number = len(self._table.labels)
        self._failed = grown(self._failed, number)
        client, server = self._client.columns(number), self._server.columns(number)
        failed = self._failed[:number].copy()
        yield from counted(REQUESTS, client[:, -1], self._table, self._part_names)
        yield from counted(FAILED, failed, self._table, self._part_names)
        yield from self._client.samples(client, self._table)
        yield from self._server.samples(server, self._table)
        yield overflowed(REQUESTS.name, self._table.overflowed)
