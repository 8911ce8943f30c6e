"""Stages and the pipeline of them, made of one context."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.exceptions import ExceptionLogs, FeedErrors
from sidecar.logs.pipeline import LogPipeline, Stage
from sidecar.logs.severity import SeverityCounts
from sidecar.model.redact import Redact, unmasked


class LogStageContext(NamedTuple):
    """What a stage may be made of: its settings, and who counts errors."""

    config: OtlpLogsConfig
    feed_errors: FeedErrors


MakeLogStage: TypeAlias = Callable[[LogStageContext], Stage]


def severity_counts(context: LogStageContext) -> SeverityCounts:
    """Return the stage that counts log records."""
    return SeverityCounts(context.config)


def exception_logs(context: LogStageContext) -> ExceptionLogs:
    """Return the stage that looks for exceptions."""
    return ExceptionLogs(context.feed_errors)


def log_pipeline_of(context: LogStageContext, stages: Iterable[MakeLogStage], redact: Redact = unmasked) -> LogPipeline:
    """Return a pipeline with `stages`."""
    return LogPipeline([make(context) for make in stages], redact)
