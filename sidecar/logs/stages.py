"""All stages there are, each made from the configuration."""

from collections.abc import Callable

from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.exceptions import ExceptionLogs, FeedErrors
from sidecar.logs.pipeline import LogPipeline, Stage
from sidecar.logs.severity import SeverityCounts
from sidecar.model.redact import Redact, unmasked

STAGES: tuple[Callable[[OtlpLogsConfig], Stage], ...] = (SeverityCounts,)


def log_pipeline_of(
    config: OtlpLogsConfig, feed_errors: FeedErrors | None = None, redact: Redact = unmasked
) -> LogPipeline:
    """Return a pipeline with all stages, which gives `feed_errors` the records to look for exceptions in."""
    stages = [stage(config) for stage in STAGES]
    return LogPipeline([*stages, ExceptionLogs(feed_errors)] if feed_errors else stages, redact)
