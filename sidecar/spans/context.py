"""What a stage may be made of."""

from typing import NamedTuple

from sidecar.derive.limits import Budget
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.window.window import Window


class StageContext(NamedTuple):
    """The settings of a pipeline, the samples that all its stages may take, and what is kept beside metrics.

    `window` tells stages of spans whose trace is due.
    """

    config: SpansConfig
    budget: Budget
    insights: Insights
    window: Window
