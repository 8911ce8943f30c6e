"""All stages there are, each made from the configuration."""

from collections.abc import Callable

from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.pipeline import LogPipeline, Stage
from sidecar.logs.severity import SeverityCounts

STAGES: tuple[Callable[[OtlpLogsConfig], Stage], ...] = (SeverityCounts,)


def log_pipeline_of(config: OtlpLogsConfig) -> LogPipeline:
    """Return a pipeline with all stages."""
    return LogPipeline([stage(config) for stage in STAGES])
