"""Endpoints: what the local roots of traces have in common."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sidecar.codec.otlp.attributes import Value, Wanted, attributes_of, text_of
from sidecar.derive.origin import origin_of
from sidecar.model.redact import Redact
from sidecar.model.span import SpanMessage
from sidecar.spans.calls import INCOMING, SHORTENED
from sidecar.spans.shape import SpanShape, shape_of

OTHER = "(other)"

MOST_ENDPOINTS = 300
"""Endpoints that are told apart, by fair shares of the services; further ones are one, until all are forgotten."""
FORGET_SECONDS = 600.0
"""How long the first endpoints stay the ones that are told apart at least."""
_REMEMBERED = 2_000
_KEY_BYTES = 2_048
"""So what is remembered of roots stays below 5 MB."""


class Endpoint(NamedTuple):
    """What a trace is about: its local root's service and route, or span name where there is no route."""

    service: str
    method: str
    route: str


WITHOUT_ROOT = Endpoint("", "", "(no root)")
"""What traces are about whose local root did not arrive."""


class Endpoints:
    """Finds the endpoint of local roots, named as `redact` allows; bounded, whatever names they have."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._wanted = Wanted(INCOMING, SHORTENED)
        self._remembered: dict[tuple[object, ...], Endpoint] = {}
        self._known: dict[str, dict[Endpoint, None]] = {}
        self._count = 0
        self._since = 0.0

    def of(self, resource: bytes, root: SpanMessage, now: float) -> Endpoint:
        """Return the endpoint of a trace with this local root; spans that are named after one need no second look."""
        by_name = (root.kind, resource, root.name)
        return self._remembered.get(by_name) or self._by_attributes(by_name, root, now)

    def _by_attributes(self, by_name: tuple[int, bytes, bytes], root: SpanMessage, now: float) -> Endpoint:
        if self._count >= MOST_ENDPOINTS and now - self._since >= FORGET_SECONDS:
            self._known.clear()
            self._count = 0
            self._remembered.clear()
            self._since = now
        attributes = [*filter(None, map(self._wanted.__getitem__, root.attributes))]
        key = (*by_name, *attributes)
        endpoint = self._remembered.get(key)
        if endpoint is None:
            endpoint = self._admitted(self._look_up(by_name[1], root, attributes))
            if _is_named_after(endpoint, by_name[2]):
                key = by_name
            if len(self._remembered) < _REMEMBERED and _length(*by_name[1:], *attributes) <= _KEY_BYTES:
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

    def _look_up(self, resource: bytes, root: SpanMessage, attributes: Iterable[bytes]) -> Endpoint:
        shape = self._shape_of(resource, root, attributes_of(attributes))
        return Endpoint(shape.service, shape.method, shape.route)

    def _shape_of(self, resource: bytes, root: SpanMessage, attributes: Mapping[str, Value]) -> SpanShape:
        masked = {key: self._redact(key, value) for key, value in attributes.items()}
        name = self._redact("span.name", text_of(root.name))
        return shape_of(origin_of(resource, self._redact).service, name, root.kind, 0, masked, {})


def _is_named_after(endpoint: Endpoint, name: bytes) -> bool:
    return text_of(name) == f"{endpoint.method} {endpoint.route}".strip()


def _length(*texts: bytes) -> int:
    return sum(map(len, texts))
