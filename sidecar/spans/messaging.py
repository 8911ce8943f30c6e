"""Messages that were sent, received and worked on, per destination."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.context import StageContext
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.shape import SpanShape

_LABELS = ("service", "system", "operation", "destination")

OPERATIONS = Family(
    "sidecar_messaging_operations_total",
    MetricType.COUNTER,
    "Messaging operations, from producer, consumer and client spans.",
    _LABELS,
)
DURATION = Family(
    "sidecar_messaging_operation_duration_seconds",
    MetricType.HISTOGRAM,
    "How long messaging operations took, from producer, consumer and client spans.",
    _LABELS,
)
_FAMILIES = CountAndDurations(OPERATIONS, DURATION, "service")


def messaging_metrics(context: StageContext) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(_FAMILIES, _labels, context.config, context.budget)


def _labels(shape: SpanShape) -> Mapping[str, str] | None:
    return None if shape.messaging is None else shape.messaging._asdict()
