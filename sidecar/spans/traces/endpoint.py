"""Endpoints: what the local roots of traces have in common."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from sidecar.codec.otlp.attributes import text_of
from sidecar.derive.label_values import label_value
from sidecar.model.redact import Redact
from sidecar.model.span_columns import Places
from sidecar.redaction.long_text import beginning
from sidecar.spans.shape import ObservedSpans, SpanShape

OTHER = "(other)"

MOST_ENDPOINTS = 300
"""Endpoints that are told apart, by fair shares of the services; further ones are one, until all are forgotten."""
FORGET_SECONDS = 600.0
"""How long the first endpoints stay the ones that are told apart at least."""
NAME_BYTES = 512
"""Of a root's name more is held until it is masked than is shown: what is secret at the cut must be known for it."""
_REMEMBERED = 2_000


class Endpoint(NamedTuple):
    """What a trace is about: its local root's service and route, or span name where there is no route."""

    service: str
    method: str
    route: str


WITHOUT_ROOT = Endpoint("", "", "(no root)")
"""What traces are about whose local root did not arrive."""

_Named: TypeAlias = tuple[str, bytes]
"""The service and the name of a root without a shape."""


class Endpoints:
    """Tells the endpoints of local roots apart, as their shapes do; bounded, whatever names they have.

    A root of a kind that is not counted has no shape, and is told apart by its name, as `redact` allows.
    """

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._remembered: dict[SpanShape | _Named, Endpoint] = {}
        self._known: dict[str, dict[Endpoint, None]] = {}
        self._count = 0
        self._since = 0.0

    def of(self, spans: ObservedSpans, roots: Places, names: Sequence[bytes], now: float) -> Iterator[Endpoint]:
        """Yield the endpoints of the local roots at these places among all `spans`, of which these are the names."""
        if self._count >= MOST_ENDPOINTS and now - self._since >= FORGET_SECONDS:
            self._known.clear()
            self._remembered.clear()
            self._count = 0
        if not self._count:
            self._since = now
        indexes = np.full(len(spans.columns), -1)
        indexes[spans.places] = spans.indexes
        sources = spans.columns.source_of[roots].tolist()
        for index, source, name in zip(indexes[roots].tolist(), sources, names, strict=True):
            key = spans.shapes[index] if index >= 0 else (spans.origins[source].service, name)
            yield self._remembered.get(key) or self._look_up(key)

    def _look_up(self, key: SpanShape | _Named) -> Endpoint:
        if isinstance(key, SpanShape):
            endpoint = self._admitted(Endpoint(key.service, key.method, key.route))
        else:
            service, name = key
            endpoint = self._admitted(Endpoint(service, "", label_value(masked_name(name, self._redact))))
        if len(self._remembered) < _REMEMBERED:
            self._remembered[key] = endpoint
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


def masked_name(name: bytes, redact: Redact) -> str:
    """Return the name of a root, of which there is one byte more than NAME_BYTES if it is longer."""
    return str(redact("span.name", beginning(text_of(name), NAME_BYTES)))
