"""Which spans of due traces are sides of requests between services."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from sidecar.model.span import SpanKind
from sidecar.spans.shape import CALLED, SERVED
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import Bools, Places
from sidecar.spans.window.statements import statements_of


class Sides(NamedTuple):
    """Places of spans by what side they are of which request.

    `clients[i]` called `servers[i]`. `databases` are calls to databases, each statement once. `callers` are the other
    calls, those in `clients` too; getting a connection to a database is none. `entrances` were served for
    nobody who has a span, `orphans` for a span that is not there, and `strays` for one that calls nobody.
    """

    clients: Places
    servers: Places
    databases: Places
    callers: Places
    entrances: Places
    orphans: Places
    strays: Places


class SideFinder:
    """Finds the sides of requests among spans of the kinds that are counted."""

    def __init__(self, kinds: Collection[int]) -> None:
        every = np.arange(max(SpanKind) + 1)
        self._called = np.isin(every, [*{*CALLED} & {*kinds}])
        self._served = np.isin(every, [*{*SERVED} & {*kinds}])

    def find(self, due: DueSpans) -> Sides:
        """Return the sides of the requests of due spans."""
        rows, parents = due.rows, due.parents
        called, served = self._called[rows.kind], self._served[rows.kind]
        inner = parents >= 0
        below = (served & inner).nonzero()[0]
        is_paired = called[parents[below]]
        servers = below[is_paired]
        clients = parents[servers]
        strays = below[~is_paired]
        alone = (served & ~inner & rows.is_root).nonzero()[0]
        has_caller = rows.parent_id[alone] != 0
        return Sides(
            clients,
            servers,
            _without(statements_of(due), clients, len(rows)),
            _callers(due, called),
            alone[~has_caller],
            alone[has_caller],
            strays[rows.is_root[strays]],
        )


def _callers(due: DueSpans, called: Bools) -> Places:
    """Return the calls that are none of a database, part of none, and around no other one."""
    rows, parents = due.rows, due.parents
    others = (called & ~rows.is_call).nonzero()[0]
    if not len(others):
        return others
    shapes = rows.what[others].tolist()
    connecting = {shape for shape in {*shapes} if shape.connection is not None}
    if connecting:
        others = others[~np.fromiter(map(connecting.__contains__, shapes), np.bool_, len(shapes))]
    is_around = np.zeros(len(rows), np.bool_)
    is_around[parents[called & (parents >= 0)]] = True
    others = others[~is_around[others]]
    if not rows.is_call[parents[parents >= 0]].any():
        return others
    around = due.nearest(rows.is_call)[others]
    is_part: Bools = (around >= 0) & (rows.service[around] == rows.service[others]).astype(np.bool_)
    return others[~is_part]


def _without(places: Places, others: Places, count: int) -> Places:
    is_other = np.zeros(count, np.bool_)
    is_other[others] = True
    return places[~is_other[places]]
