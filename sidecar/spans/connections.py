"""Getting connections to databases, as clients saw it: waiting for one of a pool, and opening one.

These are no operations: whoever waits for a connection asks nothing yet, and what he waits for is his own pool.
"""

from collections.abc import Mapping

from sidecar.model.family import Family, MetricType
from sidecar.model.span import SpanKind
from sidecar.spans.context import StageContext
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.rows import LabelsOf
from sidecar.spans.shape import SpanShape
from sidecar.spans.stage import Stage, Stages

_LABELS = ("service", "system")

WAIT = Family(
    "sidecar_db_client_connection_wait_seconds",
    MetricType.HISTOGRAM,
    "How long clients waited for a connection of a pool, from client spans.",
    _LABELS,
)
CREATE = Family(
    "sidecar_db_client_connection_create_seconds",
    MetricType.HISTOGRAM,
    "How long clients took to open a connection, from client spans.",
    _LABELS,
)


def connection_metrics(context: StageContext) -> Stage:
    """Return the stage."""
    wait, create = CountAndDurations(None, WAIT, "service"), CountAndDurations(None, CREATE, "service")
    return Stages(
        [
            DurationMetrics(wait, _labels(acquires=True), context.config, context.budget),
            DurationMetrics(create, _labels(acquires=False), context.config, context.budget),
        ]
    )


def _labels(*, acquires: bool) -> LabelsOf:
    def labels(shape: SpanShape) -> Mapping[str, str] | None:
        connection = shape.connection if shape.kind == SpanKind.CLIENT else None
        return {"system": connection.system} if connection and connection.acquires is acquires else None

    return labels
