"""The rows of edges by what spans are: a pair of shapes, or a shape alone, is asked for its edge once."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TypeAlias

import numpy as np

from sidecar.derive.series import Rows
from sidecar.model.span import SpanKind
from sidecar.spans.service_graph.edges import Connection, Edge
from sidecar.spans.shape import CALLED, SpanShape
from sidecar.spans.window.rows import NO, Objects

USER = "user"
"""Who calls without a span of his own."""
REMEMBERED = 5000
"""Edges that are remembered."""
_Ends: TypeAlias = SpanShape | tuple[SpanShape, SpanShape]


class KnownEdges:
    """Gives requests the rows of their edges; `row_of` makes the row of one that is not known."""

    def __init__(self, row_of: Callable[[Edge], int]) -> None:
        self._row_of = row_of
        self._rows: dict[_Ends, int] = {}

    def between(self, clients: Objects, servers: Objects) -> Rows:
        """Return the rows of requests of which both spans are there."""
        return self._rows_of([*zip(clients.tolist(), servers.tolist(), strict=True)])

    def alone(self, spans: Objects) -> Rows:
        """Return the rows of requests of which one span is there."""
        return self._rows_of(spans.tolist())

    def forget(self) -> None:
        """Ask anew from now on."""
        self._rows.clear()

    def _rows_of(self, ends: Sequence[_Ends]) -> Rows:
        rows = np.fromiter(map(self._rows.get, ends, repeat(NO)), np.int64, len(ends))
        if (rows < 0).any():
            rows = np.fromiter(map(self._find, ends), np.int64, len(ends))
        return rows

    def _find(self, ends: _Ends) -> int:
        row = self._rows.get(ends)
        if row is None:
            if len(self._rows) >= REMEMBERED:
                self._rows.clear()
            row = self._rows[ends] = self._row_of(_between(*ends) if isinstance(ends, tuple) else _alone(ends))
        return row


def _between(client: SpanShape, server: SpanShape) -> Edge:
    is_message = client.kind == SpanKind.PRODUCER or server.kind == SpanKind.CONSUMER
    connection = Connection.MESSAGES if is_message else Connection.DIRECT
    return Edge(client.service, client.service, server.service, connection)


def _alone(span: SpanShape) -> Edge:
    service, other = span.service, span.other_side
    if span.database_call is not None:
        return Edge(service, service, other, Connection.DATABASE)
    if span.kind in CALLED:
        return Edge(service, service, other, Connection.VIRTUAL)
    return Edge(service, other or USER, service, Connection.VIRTUAL)
