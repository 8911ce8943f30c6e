"""What spans have in common: a shape is everything the derived metrics tell spans apart by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.parsed import parsed
from sidecar.derive.label_values import Attributes, label_value
from sidecar.derive.origin import Origin
from sidecar.model.span import SpanKind, SpanMessage, StatusCode
from sidecar.model.span_columns import NO_SPANS, SpanColumns
from sidecar.spans.calls import (
    NO_ROUTE,
    HttpCall,
    MessagingCall,
    http_call,
    messaging_call,
    without_one_off_names,
)
from sidecar.spans.database_call import DatabaseCall, database_span
from sidecar.spans.other_side import other_side
from sidecar.spans.rpc import RpcCall, rpc_call

SERVED = (SpanKind.SERVER, SpanKind.CONSUMER)
CALLED = (SpanKind.CLIENT, SpanKind.PRODUCER)
_SIDED = (*SERVED, *CALLED)


class Connection(NamedTuple):
    """Getting a connection to a database: `acquires` one from a pool, or opens one."""

    system: str
    acquires: bool


@dataclass(frozen=True, slots=True, eq=False)
class SpanShape:
    """A class of spans, made once for all that look alike. `kind` and `status` are those of OTLP.

    `is_batch` says of a call to a database whether it was several statements in one, `by_driver` that the driver sent
    it of itself; who got a connection only has that and no call. `other_side` is who is called, or where a message goes
    or comes from, as far as this side says. `attributes` holds those that were asked for beyond what the calls are made
    from, of the span or its resource.
    """

    service: str
    name: str
    kind: SpanKind
    status: StatusCode
    http: HttpCall | None
    database: DatabaseCall | None
    messaging: MessagingCall | None
    attributes: Mapping[str, str]
    is_batch: bool = False
    by_driver: bool = False
    connection: Connection | None = None
    rpc: RpcCall | None = None
    other_side: str = ""

    @property
    def database_call(self) -> DatabaseCall | None:
        """The call to a database that its client's spans stand for, whoever asked for it; None for other spans."""
        return self.database if self.kind == SpanKind.CLIENT else None

    @property
    def http_call(self) -> HttpCall | None:
        """The call over HTTP that its client's spans stand for; a database that is asked over HTTP is a database."""
        return self.http if self.kind == SpanKind.CLIENT and self.database is None else None

    @property
    def http_request(self) -> HttpCall | None:
        """The request over HTTP that its server's spans stand for; None for other spans."""
        return self.http if self.kind == SpanKind.SERVER else None

    @property
    def failed(self) -> bool:
        """Whether spans of this shape count as errors.

        What their status says counts, and only where it is not set the rules that the conventions of HTTP and RPC have
        for their side; work within a process has no side.
        """
        if self.status != StatusCode.UNSET:
            return self.status == StatusCode.ERROR
        return _failed_by_rules(self.kind, self.http, self.rpc)

    @property
    def method(self) -> str:
        """The HTTP method of an endpoint; empty where HTTP is not what tells it from others."""
        return self.http_request.method if self.http_request and not self._has_rpc else ""

    @property
    def route(self) -> str:
        """What tells an endpoint from others: service and method of an RPC, the route of HTTP, else the name."""
        if self.rpc is not None and self.rpc.endpoint:
            return self.rpc.endpoint
        return self.http_request.route if self.http_request else self.name

    @property
    def _has_rpc(self) -> bool:
        return self.rpc is not None and bool(self.rpc.endpoint)


class SentSpan(NamedTuple):
    """A span and where it is from."""

    origin: Origin
    span: SpanMessage


@dataclass(frozen=True, slots=True)
class ObservedSpans:
    """A batch as columns: counted span i has shape `shapes[indexes[i]]` and took `durations_seconds[i]`.

    `fails[i]` says whether it counts as an error, `weights[i]` how many spans it stands for because it was sampled;
    `weights` is None where each stands for itself. `shapes` only grows; when it is another list than that of the batch
    before, all indexes start anew.

    `columns` holds all spans of the batch, also of kinds that are not counted; `places[i]` is where counted span i is
    in them, `failed_places` where those of any kind are that count as errors, and `origins` are those of its sources.
    `texts[i]` is the attribute of counted span i, in wire form, with the text of a query, or None. `received_at` is by
    the steady clock, `wall_at` the same moment in Unix time. `root_shapes` are those of local roots whose kinds are not
    counted, by their places in `columns`.
    """

    received_at: float
    shapes: Sequence[SpanShape]
    indexes: NDArray[np.int64]
    durations_seconds: NDArray[np.float64]
    fails: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    columns: SpanColumns = NO_SPANS
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    failed_places: Sequence[int] = ()
    origins: Sequence[Origin] = ()
    texts: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, np.object_))
    wall_at: float = 0.0
    root_shapes: Mapping[int, SpanShape] = field(default_factory=dict)

    def sent(self, place: int) -> SentSpan:
        """Return the span at `place` of the columns, parsed."""
        return SentSpan(self.origins[self.columns.source_of[place]], parsed(self.columns.raw(place)))

    def weights_at(self, places: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return the weights of the spans at `places`; None if each counts once."""
        return None if self.weights is None else self.weights[places]


def counts_as_failed(kind: int, status: int, attributes: Attributes) -> bool:
    """Return whether a span with these properties counts as an error, as its shape would say, without making one."""
    if StatusCode.UNSET < status <= StatusCode.ERROR:
        return status == StatusCode.ERROR
    return kind in _SIDED and _failed_by_rules(SpanKind(kind), http_call(attributes), rpc_call(attributes))


def _failed_by_rules(kind: SpanKind, http: HttpCall | None, rpc: RpcCall | None) -> bool:
    served = kind in SERVED
    if not served and kind not in CALLED:
        return False
    by_http = http is not None and http.status_code >= (500 if served else 400)
    return by_http or (rpc is not None and rpc.failed(served=served))


def shape_of(
    service: str, name: str, kind: int, status: int, attributes: Attributes, more: Mapping[str, str]
) -> SpanShape:
    """Return the shape of spans with these properties; values outside their enumeration count as unset.

    `more` is what the shape keeps as its `attributes`.
    """
    span_kind = SpanKind(kind) if 0 <= kind <= SpanKind.CONSUMER else SpanKind.UNSPECIFIED
    http, rpc, messaging = http_call(attributes), rpc_call(attributes), messaging_call(attributes, span_kind)
    name = without_one_off_names(name, attributes, messaging)
    is_method = rpc is not None and bool(rpc.endpoint)
    if http and span_kind == SpanKind.SERVER and http.route == NO_ROUTE and "/" in name and not is_method:
        name = f"{http.method} {NO_ROUTE}"  # the raw path, from an instrumentation that knows no routes
    database = database_span(attributes, name)
    call = database.call if database else None
    return SpanShape(
        service=service,
        name=label_value(name),
        kind=span_kind,
        status=StatusCode(status) if 0 <= status <= StatusCode.ERROR else StatusCode.UNSET,
        http=http,
        database=call,
        messaging=messaging,
        attributes=more,
        is_batch=database is not None and database.is_batch,
        by_driver=database is not None and database.by_driver,
        connection=Connection(database.system, database.acquires) if database and not call else None,
        rpc=rpc,
        other_side=other_side(attributes, span_kind, database, messaging),
    )
