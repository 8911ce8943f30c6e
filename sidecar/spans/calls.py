"""What a span's attributes say about the call it stands for, by the names of every semantic convention.

Of each thing the names of the stable convention come first, then those of older instrumentations.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sidecar.derive.label_values import Attributes, first_of
from sidecar.model.span import SpanKind
from sidecar.spans.database_call import BATCH_SIZE, COLLECTION, NAMESPACE, NONE, OPERATION, SYSTEM, TEXT, gist
from sidecar.spans.rpc import RPC, RPC_STATUS

NO_ROUTE = "(no route)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})

_METHOD = ("http.request.method", "http.method")
_STATUS = ("http.response.status_code", "http.status_code")
_ROUTE = ("http.route",)
_PEER = ("service.peer.name", "peer.service", "server.address", "net.peer.name", "http.host", "http.url")
_MESSAGING = ("messaging.system",)
_MESSAGE_OPERATION = ("messaging.operation.name", "messaging.operation.type", "messaging.operation")
_DESTINATION = ("messaging.destination.template", "messaging.destination.name", "messaging.destination")
_NAMED = ("messaging.destination.name", "messaging.destination")
_UNNAMED = {
    "messaging.destination.temporary": "(temporary)",
    "messaging.destination.anonymous": "(anonymous)",
    "messaging.temp_destination": "(temporary)",
}

URL = "http.url"
"""Of this only the host is of use; instrumentations before the stable convention often say it nowhere else."""
_DATABASE = (*SYSTEM, *OPERATION, *COLLECTION, *NAMESPACE, *TEXT, *BATCH_SIZE)
_SCHEME = ("url.scheme", "http.scheme")
"""What tells a websocket, whose span has neither method nor status: only `ws` and `wss` are looked at."""
_MESSAGES = (*_MESSAGING, *_MESSAGE_OPERATION, *_DESTINATION, *_UNNAMED)
INCOMING = frozenset({*_METHOD, *_STATUS, *_ROUTE, *_SCHEME, *_MESSAGES, *RPC})
OUTGOING = frozenset({*_METHOD, *_STATUS, *_PEER, *_DATABASE, *_MESSAGES, *RPC_STATUS})
"""Keys that the calls of a side are made from. The names of peers are those of clients where a span is of a server, so
they are looked at only where they are few."""


class HttpCall(NamedTuple):
    """The HTTP side of a span; `method` is a known one or `_OTHER`, `status_code` 0 where there is none.

    `peer` is the host that a client called, or `(none)`.
    """

    method: str
    route: str
    status_code: int
    peer: str

    @property
    def status_class(self) -> str:
        """Return `2xx` and the like."""
        return f"{self.status_code // 100}xx" if 100 <= self.status_code < 600 else NONE


class MessagingCall(NamedTuple):
    """The messaging side of a span; a queue without a name of its own is `(temporary)` or `(anonymous)`.

    What the instrumentation does not say is `(none)`, the system of Celery's for example.
    """

    system: str
    operation: str
    destination: str


def http_call(attributes: Attributes) -> HttpCall | None:
    """Return what `attributes` say about HTTP; None if nothing. A websocket says a route or its scheme at most."""
    method, status, route = (first_of(attributes, keys) for keys in (_METHOD, _STATUS, _ROUTE))
    if not method and not status and not route and first_of(attributes, _SCHEME) not in ("ws", "wss"):
        return None
    known = method.upper() if method.upper() in METHODS else "_OTHER"
    code = int(status) if status.isdecimal() and len(status) == 3 else 0
    return HttpCall(known, route or NO_ROUTE, code, peer_of(attributes) or NONE)


def peer_of(attributes: Attributes) -> str:
    """Return the host or service that a client called, without its port; empty if it does not say."""
    return _without_port(first_of(attributes, _PEER))


def messaging_call(attributes: Attributes, kind: SpanKind) -> MessagingCall | None:
    """Return what `attributes` say about a message broker or a destination; None if nothing."""
    system, destination = first_of(attributes, _MESSAGING), first_of(attributes, _DESTINATION)
    unnamed = next((text for key, text in _UNNAMED.items() if attributes.get(key) in (True, "true")), "")
    if not system and not destination and not unnamed:
        return None
    usual = {SpanKind.PRODUCER: "send", SpanKind.CONSUMER: "process"}
    operation = first_of(attributes, _MESSAGE_OPERATION) or usual.get(kind, NONE)
    return MessagingCall(system or NONE, operation, unnamed or destination or NONE)


def without_one_off_names(name: str, attributes: Attributes, messaging: MessagingCall | None) -> str:
    """Return the `name` of a span with the destination as it is counted, where it has that of one queue or message."""
    destination = first_of(attributes, _NAMED) if messaging else ""
    if messaging is None or not destination or destination == messaging.destination:
        return name
    return name.replace(destination, messaging.destination)


def websocket_scheme(value: bytes) -> bytes | None:
    """Return the scheme in `value`, an attribute's in wire form, if it is that of a websocket."""
    return next((scheme for scheme in (b"wss", b"ws") if value.endswith(bytes([len(scheme)]) + scheme)), None)


def host_of_url(url: bytes) -> bytes:
    """Return the host that `url` names, with its port if it has one; nothing if it names none."""
    authority = url.partition(b"://")[2]
    for end in (b"/", b"?", b"#"):
        authority = authority.partition(end)[0]
    return authority.rpartition(b"@")[2]


def _without_port(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdecimal() and (":" not in head or head.endswith("]")) else host


SHORTENED: Mapping[str, Callable[[bytes], bytes | None]] = {
    URL: host_of_url,
    **dict.fromkeys(TEXT, gist),
    **dict.fromkeys(BATCH_SIZE, lambda _: b""),
    **dict.fromkeys(_SCHEME, websocket_scheme),
}
"""What of some attributes is looked at."""
