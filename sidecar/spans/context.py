"""What a stage may be made of."""

from typing import NamedTuple

from sidecar.derive.limits import Budget
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights


class StageContext(NamedTuple):
    """The settings of a pipeline, the samples that all its stages may take, and what is kept beside metrics."""

    config: SpansConfig
    budget: Budget
    insights: Insights
