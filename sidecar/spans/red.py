"""Rate, errors and duration of every span name, under the names of the OpenTelemetry collector's span metrics."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.config import SpansConfig
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.series import Budget
from sidecar.spans.shape import SpanShape

_LABELS = ("service_name", "span_name", "span_kind", "status_code")

CALLS = Family("traces_span_metrics_calls_total", MetricType.COUNTER, "Spans, by name, kind and status.", _LABELS)
DURATION = Family(
    "traces_span_metrics_duration_seconds",
    MetricType.HISTOGRAM,
    "How long spans took, by name, kind and status.",
    _LABELS,
)
_FAMILIES = CountAndDurations(CALLS, DURATION, "service_name")


def span_metrics(config: SpansConfig, budget: Budget) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(_FAMILIES, _labels, config, budget)


def _labels(shape: SpanShape) -> Mapping[str, str]:
    return {"span_name": shape.name, "span_kind": shape.kind.label, "status_code": shape.status.label}
