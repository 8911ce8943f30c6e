"""All stages there are, each made from the configuration."""

from collections.abc import Callable

from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.pipeline import CurrentErrors, LogPipeline, Stage
from sidecar.logs.severity import SeverityCounts
from sidecar.model.redact import Redact, unmasked

STAGES: tuple[Callable[[OtlpLogsConfig], Stage], ...] = (SeverityCounts,)


def log_pipeline_of(
    config: OtlpLogsConfig, errors: CurrentErrors | None = None, redact: Redact = unmasked
) -> LogPipeline:
    """Return a pipeline with all stages, whose records `errors` looks through for exceptions."""
    return LogPipeline([stage(config) for stage in STAGES], errors, redact)
