"""Stages, each made of the settings, and the pipeline of them."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.pipeline import CurrentErrors, LogPipeline, Stage
from sidecar.model.redact import Redact, unmasked

MakeLogStage: TypeAlias = Callable[[OtlpLogsConfig], Stage]


def log_pipeline_of(
    config: OtlpLogsConfig,
    stages: Iterable[MakeLogStage],
    errors: CurrentErrors | None = None,
    redact: Redact = unmasked,
) -> LogPipeline:
    """Return a pipeline with `stages`, whose records `errors` looks through for exceptions."""
    return LogPipeline([make(config) for make in stages], errors, redact)
