"""Requests that were found one by one, before they are added to their edges."""

from collections.abc import Callable

import numpy as np

from sidecar.model.span_columns import id_bytes
from sidecar.spans.service_graph.edges import Connection, Edge, Requests
from sidecar.spans.service_graph.halves import Half


class FoundRequests:
    """Requests by their edges; a side that sent no span took as long as the other says."""

    def __init__(self) -> None:
        self._edges: list[Edge] = []
        self._clients: list[Half] = []
        self._servers: list[Half] = []

    def between(self, client: Half, server: Half) -> None:
        """Add a request of which both sides are known."""
        is_message = client.is_message or server.is_message
        connection = Connection.MESSAGES if is_message else Connection.DIRECT
        self._add(Edge(client.service, client.service, server.service, connection), client, server)

    def by(self, client: Half, server: str) -> None:
        """Add a request to a virtual node."""
        self._add(Edge(client.service, client.service, server, Connection.VIRTUAL), client, client)

    def to(self, server: Half, client: str) -> None:
        """Add a request from a virtual node."""
        self._add(Edge(server.service, client, server.service, Connection.VIRTUAL), server, server)

    def requests(self, row_of: Callable[[Edge], int]) -> Requests:
        """Return all as columns."""
        clients, servers = self._clients, self._servers
        pairs = [*zip(clients, servers, strict=True)]
        return Requests(
            np.array([*map(row_of, self._edges)], np.int64),
            np.array([half.seconds for half in clients], np.float64),
            np.array([half.seconds for half in servers], np.float64),
            np.array([client.fails or server.fails for client, server in pairs], np.bool_),
            np.array([half.weight for half in servers], np.float64),
            lambda place: (clients[place].trace_id, id_bytes(clients[place].span_id)),
        )

    def _add(self, edge: Edge, client: Half, server: Half) -> None:
        self._edges.append(edge)
        self._clients.append(client)
        self._servers.append(server)
