"""The pipeline of stages that are made of one context."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from sidecar.derive.limits import Budget
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.insights import Insights
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.stage import Follower, Stage
from sidecar.spans.window.window import Window

MakeStage: TypeAlias = Callable[[StageContext], Stage]


def pipeline_of(
    config: SpansConfig, insights: Insights, stages: Iterable[MakeStage], followers: Sequence[Follower] = ()
) -> Pipeline:
    """Return a pipeline with `stages`, which share one budget of samples and fill `insights`; with `followers`."""
    window = Window(lambda: insights.queries.config.n_plus_one)
    insights.await_of(window)
    context = StageContext(config, Budget(config.max_samples), insights, window)
    made = [make(context) for make in stages]
    return Pipeline(config, made, followers, insights.redactor, insights.wall)
