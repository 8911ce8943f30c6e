"""HTTP requests that were served, per route, method and status class."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.context import StageContext
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.shape import SpanShape

_LABELS = ("service", "route", "method", "status_class")

REQUESTS = Family(
    "sidecar_http_server_requests_total",
    MetricType.COUNTER,
    "HTTP requests that were served, from server spans.",
    _LABELS,
)
DURATION = Family(
    "sidecar_http_server_request_duration_seconds",
    MetricType.HISTOGRAM,
    "How long HTTP requests took to serve, from server spans.",
    _LABELS,
)
_FAMILIES = CountAndDurations(REQUESTS, DURATION, "service")


def http_server_metrics(context: StageContext) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(_FAMILIES, _labels, context.config, context.budget)


def _labels(shape: SpanShape) -> Mapping[str, str] | None:
    request = shape.http_request
    if request is None:
        return None
    return {"route": shape.route, "method": request.method, "status_class": request.status_class}
