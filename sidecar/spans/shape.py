"""What spans have in common: a shape is everything the derived metrics tell spans apart by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Value
from sidecar.model.span import SpanKind, SpanMessage, StatusCode

NO_ROUTE = "(no route)"
NONE = "(none)"
_LABEL_LENGTH = 256
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})

_METHOD = ("http.request.method", "http.method")
_STATUS = ("http.response.status_code", "http.status_code")
_ROUTE = ("http.route",)
_SYSTEM = ("db.system.name", "db.system")
_OPERATION = ("db.operation.name", "db.operation")
_COLLECTION = ("db.collection.name", "db.sql.table", "db.mongodb.collection")

ATTRIBUTES = (*_METHOD, *_STATUS, *_ROUTE, *_SYSTEM, *_OPERATION, *_COLLECTION)
"""Keys a shape is made from: the stable names first, then those of older instrumentations."""


class HttpCall(NamedTuple):
    """The HTTP side of a span; `method` is a known one or `_OTHER`, `status_code` 0 where there is none."""

    method: str
    route: str
    status_code: int

    @property
    def status_class(self) -> str:
        """Return `2xx` and the like."""
        return f"{self.status_code // 100}xx" if 100 <= self.status_code < 600 else NONE


class DatabaseCall(NamedTuple):
    """The database side of a client span; `collection` is empty where the instrumentation does not say."""

    system: str
    operation: str
    collection: str


@dataclass(frozen=True, slots=True, eq=False)
class SpanShape:
    """A class of spans, made once for all that look alike. `kind` and `status` are those of OTLP."""

    service: str
    name: str
    kind: SpanKind
    status: StatusCode
    http: HttpCall | None
    database: DatabaseCall | None

    @property
    def failed(self) -> bool:
        """Whether spans of this shape count as errors: by their status, else by HTTP's rule for their side."""
        if self.status == StatusCode.ERROR:
            return True
        if self.http is None:
            return False
        return self.http.status_code >= (500 if self.kind == SpanKind.SERVER else 400)


class FailedSpan(NamedTuple):
    """A span that counts as an error."""

    service: str
    span: SpanMessage


@dataclass(frozen=True, slots=True)
class ObservedSpans:
    """A batch as columns: the span in row i has shape `shapes[indexes[i]]` and took `durations_seconds[i]`.

    `shapes` only grows; when it is another list than that of the batch before, all indexes start anew. `failed` also
    holds spans of kinds that have no row.
    """

    received_at: float
    shapes: Sequence[SpanShape]
    indexes: NDArray[np.int64]
    durations_seconds: NDArray[np.float64]
    failed: Sequence[FailedSpan]


def shape_of(service: str, name: str, kind: int, status: int, attributes: Mapping[str, Value]) -> SpanShape:
    """Return the shape of spans with these properties; values outside their enumeration count as unset."""
    span_kind = SpanKind(kind) if 0 <= kind <= SpanKind.CONSUMER else SpanKind.UNSPECIFIED
    http = _http_of(attributes)
    if http and span_kind == SpanKind.SERVER and http.route == NO_ROUTE and "/" in name:
        name = f"{http.method} {NO_ROUTE}"  # the raw path, from an instrumentation that knows no routes
    return SpanShape(
        service=service,
        name=label_value(name),
        kind=span_kind,
        status=StatusCode(status) if 0 <= status <= StatusCode.ERROR else StatusCode.UNSET,
        http=http,
        database=_database_of(attributes, name),
    )


def label_value(text: str) -> str:
    """Return `text`, cut to what a label may reasonably hold: some sender's megabyte must not stay in memory."""
    return text[:_LABEL_LENGTH]


def _first(attributes: Mapping[str, Value], keys: Sequence[str]) -> str:
    return label_value(next((str(attributes[key]) for key in keys if attributes.get(key) not in (None, "")), ""))


def _http_of(attributes: Mapping[str, Value]) -> HttpCall | None:
    method, status, route = (_first(attributes, keys) for keys in (_METHOD, _STATUS, _ROUTE))
    if not method and not status:
        return None
    known = method.upper() if method.upper() in METHODS else "_OTHER"
    return HttpCall(known, route or NO_ROUTE, int(status) if status.isdecimal() and len(status) == 3 else 0)


def _database_of(attributes: Mapping[str, Value], name: str) -> DatabaseCall | None:
    system = _first(attributes, _SYSTEM)
    if not system:
        return None
    # asyncpg's and redis' instrumentations say the operation only in the span's name
    word = name.split(maxsplit=1)[0] if name.strip() else ""
    operation = _first(attributes, _OPERATION) or (word if word.isalpha() and len(word) <= 20 else NONE)
    return DatabaseCall(system, operation, _first(attributes, _COLLECTION))
