"""Stages and the pipeline of them, made of one context."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from sidecar.spans.config import SpansConfig
from sidecar.spans.errors import ErrorCounts
from sidecar.spans.insights import Insights
from sidecar.spans.limits import Budget
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.queries.stage import QueryStage
from sidecar.spans.stage import Follower, Stage


class StageContext(NamedTuple):
    """What a stage may be made of: its settings, samples to take from, and what is kept beside metrics."""

    config: SpansConfig
    budget: Budget
    insights: Insights


MakeStage: TypeAlias = Callable[[StageContext], Stage]


def metrics_stage(make: Callable[[SpansConfig, Budget], Stage]) -> MakeStage:
    """Return how a stage is made that only yields metrics, which `make` makes of settings and budget."""
    return lambda context: make(context.config, context.budget)


def error_counts(context: StageContext) -> ErrorCounts:
    """Return the stage that counts errors and fills their groups."""
    return ErrorCounts(context.config, context.budget, context.insights.errors)


def query_stage(context: StageContext) -> QueryStage:
    """Return the stage that looks at queries."""
    return QueryStage(context.config, context.budget, context.insights.queries)


def pipeline_of(
    config: SpansConfig, insights: Insights, stages: Iterable[MakeStage], followers: Sequence[Follower] = ()
) -> Pipeline:
    """Return a pipeline with `stages`, which share one budget of samples and fill `insights`; with `followers`."""
    context = StageContext(config, Budget(config.max_samples), insights)
    return Pipeline(config, [make(context) for make in stages], context.budget, followers, insights.redactor)
