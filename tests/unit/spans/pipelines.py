"""Pipelines as tests use them."""

from typing import Any

from sidecar.app.registry import SPAN_STAGES
from sidecar.model.family import FamilySamples
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.stages import pipeline_of

CALLS = "traces_span_metrics_calls_total"
DURATION = "traces_span_metrics_duration_seconds"
REQUESTS = "sidecar_http_server_requests_total"
OPERATIONS = "sidecar_db_client_operations_total"
ERRORS = "sidecar_errors_total"
OVERFLOWED = "sidecar_spans_overflowed_total"


def pipeline(insights: Insights | None = None, /, **settings: Any) -> Pipeline:
    """Return a pipeline with `settings`, checked as those of a configuration file are, that fills `insights`."""
    return pipeline_of(SpansConfig.model_validate(settings), insights or Insights(), SPAN_STAGES)


def judged(insights: Insights, now: float = 1e10) -> Insights:
    """Return `insights` when all was judged that waits at Unix time `now`."""
    while insights.look(now):
        pass
    return insights


def shown(subject: Pipeline, now: float) -> list[FamilySamples]:
    """Return the families."""
    return [*subject.families(now)]
