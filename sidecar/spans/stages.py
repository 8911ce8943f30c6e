"""All stages there are, each made from the configuration."""

from collections.abc import Callable, Sequence

from sidecar.derive.limits import Budget
from sidecar.spans.config import SpansConfig
from sidecar.spans.connections import connection_metrics
from sidecar.spans.database import database_metrics
from sidecar.spans.endpoints import EndpointGauges
from sidecar.spans.errors import ErrorCounts
from sidecar.spans.http_client import http_client_metrics
from sidecar.spans.http_server import http_server_metrics
from sidecar.spans.insights import Insights
from sidecar.spans.latency import dependency_latency, endpoint_latency
from sidecar.spans.messaging import messaging_metrics
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.queries.stage import QueryStage
from sidecar.spans.red import span_metrics
from sidecar.spans.stage import Follower, Stage

STAGES: tuple[Callable[[SpansConfig, Budget], Stage], ...] = (
    span_metrics,
    http_server_metrics,
    http_client_metrics,
    database_metrics,
    connection_metrics,
    messaging_metrics,
    endpoint_latency,
    dependency_latency,
    EndpointGauges,
)
"""Those that need nothing else; the others fill what is kept beside metrics."""


def error_counts(config: SpansConfig, budget: Budget, insights: Insights) -> ErrorCounts:
    """Return the stage that counts errors and fills their groups."""
    return ErrorCounts(config, budget, insights.errors)


def queries(config: SpansConfig, budget: Budget, insights: Insights) -> QueryStage:
    """Return the stage that looks at queries."""
    return QueryStage(config, budget, insights.queries)


def pipeline_of(config: SpansConfig, insights: Insights | None = None, followers: Sequence[Follower] = ()) -> Pipeline:
    """Return a pipeline with all stages, which share one budget of samples and fill `insights`; with `followers`."""
    insights = insights or Insights()
    budget = Budget(config.max_samples)
    errors = error_counts(config, budget, insights)
    stages = [*(stage(config, budget) for stage in STAGES), errors, queries(config, budget, insights)]
    return Pipeline(config, stages, budget, followers, errors, insights.redactor)
