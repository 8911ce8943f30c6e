"""Rate, errors and duration of every span name, under the names of the OpenTelemetry collector's span metrics."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.config import SpansConfig
from sidecar.spans.durations import DurationMetrics
from sidecar.spans.shape import SpanShape

_LABELS = ("service_name", "span_name", "span_kind", "status_code")

CALLS = Family("traces_span_metrics_calls_total", MetricType.COUNTER, "Spans, by name, kind and status.", _LABELS)
DURATION = Family(
    "traces_span_metrics_duration_seconds",
    MetricType.HISTOGRAM,
    "How long spans took, by name, kind and status.",
    _LABELS,
)


def span_metrics(config: SpansConfig) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(CALLS, DURATION, "service_name", _labels, config)


def _labels(shape: SpanShape) -> Mapping[str, str]:
    return {"span_name": shape.name, "span_kind": shape.kind.label, "status_code": shape.status.label}
