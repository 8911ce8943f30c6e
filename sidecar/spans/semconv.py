"""One histogram per kind of call, as OpenTelemetry's semantic conventions for metrics name them.

https://opentelemetry.io/docs/specs/semconv/general/metrics/
The resource's `service.name` is a label, because spans of several services may come here.
"""

from collections.abc import Mapping, Sequence

from sidecar.derive.limits import Budget
from sidecar.model.family import Family, MetricType
from sidecar.model.span import SpanKind
from sidecar.spans.calls import NO_ROUTE, HttpCall
from sidecar.spans.config import SpansConfig
from sidecar.spans.database_call import NAMESPACE, NONE
from sidecar.spans.dimensions import with_dimensions
from sidecar.spans.durations import HTTP_BOUNDS, CountAndDurations, DurationMetrics
from sidecar.spans.rows import LabelsOf
from sidecar.spans.shape import SpanShape
from sidecar.spans.stage import Stage, Stages

_SERVICE = "service_name"
_DATABASE_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

_SCHEME = ("url.scheme", "http.scheme")
_PORT = ("server.port", "net.peer.port")
_ERROR = ("error.type",)
ATTRIBUTES = (*_SCHEME, *_PORT, *NAMESPACE, *_ERROR)
"""What these metrics are told apart by beyond the calls: the stable names first."""


def _histogram(name: str, help_text: str, *labels: str) -> Family:
    return Family(name, MetricType.HISTOGRAM, help_text, (_SERVICE, *labels, "error_type"))


HTTP_SERVER = _histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP server requests.",
    "http_request_method",
    "http_route",
    "http_response_status_code",
    "url_scheme",
)
HTTP_CLIENT = _histogram(
    "http_client_request_duration_seconds",
    "Duration of HTTP client requests.",
    "http_request_method",
    "server_address",
    "server_port",
    "http_response_status_code",
)
DATABASE = _histogram(
    "db_client_operation_duration_seconds",
    "Duration of database client operations.",
    "db_system_name",
    "db_namespace",
    "db_operation_name",
    "db_collection_name",
)
_MESSAGING_LABELS = ("messaging_system", "messaging_operation_name", "messaging_destination_name")
MESSAGING_CLIENT = _histogram(
    "messaging_client_operation_duration_seconds",
    "Duration of messaging operations initiated by a producer or consumer client.",
    *_MESSAGING_LABELS,
)
MESSAGING_PROCESS = _histogram(
    "messaging_process_duration_seconds", "Duration of processing operations.", *_MESSAGING_LABELS
)

FAMILIES = (HTTP_SERVER, HTTP_CLIENT, DATABASE, MESSAGING_CLIENT, MESSAGING_PROCESS)


def semconv_metrics(config: SpansConfig, budget: Budget) -> Stage:
    """Return the stage."""

    def metric(family: Family, labels_of: LabelsOf, bounds: tuple[float, ...] = HTTP_BOUNDS) -> DurationMetrics:
        families = CountAndDurations(None, family, _SERVICE, bounds)
        return DurationMetrics(families, with_dimensions(labels_of, config.dimensions), config, budget)

    return Stages(
        [
            metric(HTTP_SERVER, _http_server),
            metric(HTTP_CLIENT, _http_client),
            metric(DATABASE, _database, _DATABASE_BOUNDS),
            metric(MESSAGING_CLIENT, _messaging_client),
            metric(MESSAGING_PROCESS, _messaging_process),
        ]
    )


def _http_server(shape: SpanShape) -> Mapping[str, str] | None:
    request = shape.http_request
    if request is None:
        return None
    route = "" if request.route == NO_ROUTE else request.route
    return {**_http(shape, request), "http_route": route, "url_scheme": _first(shape, _SCHEME)}


def _http_client(shape: SpanShape) -> Mapping[str, str] | None:
    call = shape.http_call
    if call is None:
        return None
    return {**_http(shape, call), "server_address": _known(call.peer), "server_port": _first(shape, _PORT)}


def _http(shape: SpanShape, call: HttpCall) -> dict[str, str]:
    return {
        "http_request_method": call.method,
        "http_response_status_code": str(call.status_code or ""),
        "error_type": _first(shape, _ERROR),
    }


def _database(shape: SpanShape) -> Mapping[str, str] | None:
    call = shape.database_call
    if call is None:
        return None
    return {
        "db_system_name": call.system,
        "db_namespace": _first(shape, NAMESPACE),
        "db_operation_name": _known(call.operation),
        "db_collection_name": call.collection,
        "error_type": _first(shape, _ERROR),
    }


def _messaging_client(shape: SpanShape) -> Mapping[str, str] | None:
    return None if shape.kind == SpanKind.CONSUMER else _messaging(shape)


def _messaging_process(shape: SpanShape) -> Mapping[str, str] | None:
    return _messaging(shape) if shape.kind == SpanKind.CONSUMER else None


def _messaging(shape: SpanShape) -> Mapping[str, str] | None:
    if shape.messaging is None:
        return None
    return {
        "messaging_system": shape.messaging.system,
        "messaging_operation_name": _known(shape.messaging.operation),
        "messaging_destination_name": _known(shape.messaging.destination),
        "error_type": _first(shape, _ERROR),
    }


def _first(shape: SpanShape, keys: Sequence[str]) -> str:
    return next((shape.attributes[key] for key in keys if key in shape.attributes), "")


def _known(text: str) -> str:
    """Return `text`; the conventions leave out what we call `(none)`."""
    return "" if text == NONE else text
