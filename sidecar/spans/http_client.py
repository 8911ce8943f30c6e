"""HTTP requests that were made, per host, method and status class."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.context import StageContext
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.shape import SpanShape

_LABELS = ("service", "peer", "method", "status_class")

REQUESTS = Family(
    "sidecar_http_client_requests_total",
    MetricType.COUNTER,
    "HTTP requests that were made, from client spans.",
    _LABELS,
)
DURATION = Family(
    "sidecar_http_client_request_duration_seconds",
    MetricType.HISTOGRAM,
    "How long HTTP requests to others took, from client spans.",
    _LABELS,
)
_FAMILIES = CountAndDurations(REQUESTS, DURATION, "service")


def http_client_metrics(context: StageContext) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(_FAMILIES, _labels, context.config, context.budget)


def _labels(shape: SpanShape) -> Mapping[str, str] | None:
    call = shape.http_call
    return None if call is None else {"peer": call.peer, "method": call.method, "status_class": call.status_class}
