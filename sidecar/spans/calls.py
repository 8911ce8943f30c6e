"""What a span's attributes say about the call it stands for, by the names of every semantic convention.

Of each thing the names of the stable convention come first, then those of older instrumentations.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sidecar.codec.otlp.attributes import Value
from sidecar.model.span import SpanKind
from sidecar.spans.database_call import BATCH_SIZE, COLLECTION, NONE, OPERATION, SYSTEM, TEXT

NO_ROUTE = "(no route)"
_LABEL_LENGTH = 256
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})

_METHOD = ("http.request.method", "http.method")
_STATUS = ("http.response.status_code", "http.status_code")
_ROUTE = ("http.route",)
_PEER = ("peer.service", "server.address", "net.peer.name", "http.host", "http.url")
_MESSAGING = ("messaging.system",)
_MESSAGE_OPERATION = ("messaging.operation.name", "messaging.operation.type", "messaging.operation")
_DESTINATION = ("messaging.destination.template", "messaging.destination.name", "messaging.destination")
_UNNAMED = {
    "messaging.destination.temporary": "(temporary)",
    "messaging.destination.anonymous": "(anonymous)",
    "messaging.temp_destination": "(temporary)",
}

URL = "http.url"
"""Of this only the host is of use; instrumentations before the stable convention often say it nowhere else."""
_DATABASE = (*SYSTEM, *OPERATION, *COLLECTION, *TEXT, *BATCH_SIZE)
_MESSAGES = (*_MESSAGING, *_MESSAGE_OPERATION, *_DESTINATION, *_UNNAMED)
INCOMING = frozenset({*_METHOD, *_STATUS, *_ROUTE, *_MESSAGES})
OUTGOING = frozenset({*_METHOD, *_STATUS, *_PEER, *_DATABASE, *_MESSAGES})
"""Keys that the calls of a side are made from. The names of peers are those of clients where a span is of a server, so
they are looked at only where they are few."""

Attributes = Mapping[str, Value]


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
    """The messaging side of a span; a queue without a name of its own is `(temporary)` or `(anonymous)`."""

    system: str
    operation: str
    destination: str


def http_call(attributes: Attributes) -> HttpCall | None:
    """Return what `attributes` say about HTTP; None if nothing."""
    method, status = _first(attributes, _METHOD), _first(attributes, _STATUS)
    if not method and not status:
        return None
    route, peer = _first(attributes, _ROUTE), _first(attributes, _PEER)
    known = method.upper() if method.upper() in METHODS else "_OTHER"
    code = int(status) if status.isdecimal() and len(status) == 3 else 0
    return HttpCall(known, route or NO_ROUTE, code, _without_port(peer) or NONE)


def messaging_call(attributes: Attributes, kind: SpanKind) -> MessagingCall | None:
    """Return what `attributes` say about a message broker; None if nothing."""
    system = _first(attributes, _MESSAGING)
    if not system:
        return None
    usual = {SpanKind.PRODUCER: "send", SpanKind.CONSUMER: "process"}
    operation = _first(attributes, _MESSAGE_OPERATION) or usual.get(kind, NONE)
    unnamed = next((text for key, text in _UNNAMED.items() if attributes.get(key) in (True, "true")), "")
    return MessagingCall(system, operation, unnamed or _first(attributes, _DESTINATION) or NONE)


def label_value(value: object) -> str:
    """Return `value` as text, cut to what a label may reasonably hold: a sender's megabyte must not stay in memory."""
    text = str(value)
    return text[:_LABEL_LENGTH] if value is not True and value is not False else text.lower()


def host_of_url(url: bytes) -> bytes:
    """Return the host that `url` names, with its port if it has one; nothing if it names none."""
    authority = url.partition(b"://")[2]
    for end in (b"/", b"?", b"#"):
        authority = authority.partition(end)[0]
    return authority.rpartition(b"@")[2]


def _first(attributes: Attributes, keys: Sequence[str]) -> str:
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return label_value(value)
    return ""


def _without_port(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdecimal() and (":" not in head or head.endswith("]")) else host
