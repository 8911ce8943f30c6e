"""Endpoints: what the local roots of traces have in common."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sidecar.model.span_columns import Places
from sidecar.spans.shape import ObservedSpans, SpanShape

OTHER = "(other)"

MOST_ENDPOINTS = 300
"""Endpoints that are told apart, by fair shares of the services; further ones are one, until all are forgotten."""
FORGET_SECONDS = 600.0
"""How long the first endpoints stay the ones that are told apart at least."""
_REMEMBERED = 2_000


class Endpoint(NamedTuple):
    """What a trace is about: its local root's service and route, or span name where there is no route."""

    service: str
    method: str
    route: str


WITHOUT_ROOT = Endpoint("", "", "(no root)")
"""What traces are about whose local root did not arrive."""


class Endpoints:
    """Tells the endpoints of local roots apart, as their shapes do; bounded, whatever names they have."""

    def __init__(self) -> None:
        self._remembered: dict[SpanShape, Endpoint] = {}
        self._known: dict[str, dict[Endpoint, None]] = {}
        self._count = 0
        self._since = 0.0

    def of(self, spans: ObservedSpans, roots: Places, now: float) -> Iterator[Endpoint]:
        """Yield the endpoints of the local roots at these places among all `spans`."""
        if self._count >= MOST_ENDPOINTS and now - self._since >= FORGET_SECONDS:
            self._known.clear()
            self._remembered.clear()
            self._count = 0
        if not self._count:
            self._since = now
        indexes = np.full(len(spans.columns), -1)
        indexes[spans.places] = spans.indexes
        for place, index in zip(roots.tolist(), indexes[roots].tolist(), strict=True):
            shape = spans.shapes[index] if index >= 0 else spans.root_shapes[place]
            yield self._remembered.get(shape) or self._look_up(shape)

    def _look_up(self, shape: SpanShape) -> Endpoint:
        endpoint = self._admitted(Endpoint(shape.service, shape.method, shape.route))
        if len(self._remembered) < _REMEMBERED:
            self._remembered[shape] = endpoint
        return endpoint

    def _admitted(self, endpoint: Endpoint) -> Endpoint:
        known = self._known.get(endpoint.service, {})
        if endpoint in known:
            return endpoint
        if self._count >= MOST_ENDPOINTS and not self._make_room(len(known)):
            return Endpoint(OTHER, "", OTHER)
        self._known.setdefault(endpoint.service, {})[endpoint] = None
        self._count += 1
        return endpoint

    def _make_room(self, has: int) -> bool:
        """Let go of an endpoint of the service with the most, for one that `has` so many; return whether."""
        most = max(self._known.values(), key=len)
        if len(most) <= has + 1:
            return False
        gone, _ = most.popitem()
        self._count -= 1
        self._remembered = {key: endpoint for key, endpoint in self._remembered.items() if endpoint != gone}
        return True
