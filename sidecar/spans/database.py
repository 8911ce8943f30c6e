"""Operations on databases and caches, as their clients saw them."""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.spans.context import StageContext
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.shape import SpanShape

_LABELS = ("service", "system", "operation", "collection")

OPERATIONS = Family(
    "sidecar_db_client_operations_total", MetricType.COUNTER, "Database operations, from client spans.", _LABELS
)
DURATION = Family(
    "sidecar_db_client_operation_duration_seconds",
    MetricType.HISTOGRAM,
    "How long database operations took, from client spans.",
    _LABELS,
)
_FAMILIES = CountAndDurations(OPERATIONS, DURATION, "service")


def database_metrics(context: StageContext) -> DurationMetrics:
    """Return the stage."""
    return DurationMetrics(_FAMILIES, _labels, context.config, context.budget)


def _labels(shape: SpanShape) -> Mapping[str, str] | None:
    return shape.database_call._asdict() if shape.database_call else None
