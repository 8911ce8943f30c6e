"""Spans of one side of a request that wait for those of the other, which come in another trace's turn."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple, TypeAlias

import numpy as np

from sidecar.codec.peer.ids import NO_ID
from sidecar.model.span import SpanKind
from sidecar.spans.shape import CALLED
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import Places
from sidecar.spans.window.window import WAIT_SECONDS

MOST = 10_000
"""Halves of each side that wait, 0.5 KB each; with more, those that came first are over early."""
_IS_CLIENT = np.isin(np.arange(max(SpanKind) + 1), [*CALLED])
_IS_MESSAGE = np.isin(np.arange(max(SpanKind) + 1), [SpanKind.PRODUCER, SpanKind.CONSUMER])
Key: TypeAlias = tuple[bytes, int]
"""The trace, and the span of the client."""


class Half(NamedTuple):
    """What the span of one side tells, whose turn came at Unix time `since`.

    `other_side` is what that is called if no span of it comes. `is_message` tells producers and consumers from others.
    """

    trace_id: bytes
    span_id: int
    service: str
    other_side: str
    is_client: bool
    is_message: bool
    seconds: float
    fails: bool
    weight: float
    since: float


def halves_of(due: DueSpans, places: Places, now: float) -> Iterator[Half]:
    """Return what the spans at `places` tell at Unix time `now`."""
    rows, kinds = due.rows, due.rows.kind[places]
    columns = (
        [due.ids[slot] if slot >= 0 else NO_ID for slot in rows.slot[places].tolist()],
        rows.span_id[places].tolist(),
        rows.service[places].tolist(),
        [shape.other_side for shape in rows.what[places].tolist()],
        _IS_CLIENT[kinds].tolist(),
        _IS_MESSAGE[kinds].tolist(),
        rows.seconds[places].tolist(),
        rows.fails[places].tolist(),
        rows.weight[places].tolist(),
    )
    return map(Half._make, zip(*columns, repeat(now), strict=False))


class Halves:
    """Halves by the span of the client; several servers may have one client, which is paired then."""

    def __init__(self, clients_wait_seconds: float) -> None:
        self._wait_seconds = clients_wait_seconds
        self._clients: OrderedDict[Key, Half] = OrderedDict()
        self._paired: set[Key] = set()
        self._servers: OrderedDict[Key, tuple[Half, ...]] = OrderedDict()
        self._servers_count = 0

    def add_client(self, half: Half, *, is_paired: bool) -> Sequence[Half] | None:
        """Let a client's half wait; return the servers' halves that waited, None if its span is there already."""
        key = half.trace_id, half.span_id
        if key in self._clients:
            return None
        self._clients[key] = half
        servers = self._servers.pop(key, ())
        self._servers_count -= len(servers)
        if is_paired or servers:
            self._paired.add(key)
        return servers

    def add_server(self, parent_id: int, half: Half) -> Half | None:
        """Return the half of the client with this span; without one, let the server's half wait."""
        key = half.trace_id, parent_id
        client = self._clients.get(key)
        if client is None:
            self._servers[key] = (*self._servers.get(key, ()), half)
            self._servers_count += 1
        else:
            self._paired.add(key)
        return client

    def ended(self, now: float) -> Iterator[Half]:
        """Yield the halves that waited in vain, and long enough by Unix time `now`."""
        while self._clients and next(iter(self._clients.values())).since + self._wait_seconds <= now:
            yield from self._pop_client()
        while self._servers and next(iter(self._servers.values()))[0].since + WAIT_SECONDS <= now:
            yield from self._pop_servers()

    def crowded_out(self) -> Iterator[Half]:
        """Yield the halves that waited in vain and for which there is no room, the oldest first."""
        while len(self._clients) > MOST:
            yield from self._pop_client()
        while self._servers_count > MOST:
            yield from self._pop_servers()

    def _pop_client(self) -> Sequence[Half]:
        key, half = self._clients.popitem(last=False)
        if key not in self._paired:
            return (half,)
        self._paired.remove(key)
        return ()

    def _pop_servers(self) -> Sequence[Half]:
        _, halves = self._servers.popitem(last=False)
        self._servers_count -= len(halves)
        return halves
