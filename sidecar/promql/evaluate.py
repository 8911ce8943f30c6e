"""Evaluation of an expression at one time or over a range of times."""

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Expr
from sidecar.promql.options import Options
from sidecar.promql.result import Matrix, Result
from sidecar.promql.source import SeriesSource

DEFAULTS = Options()


def evaluate_instant(expr: Expr, source: SeriesSource, time_ms: int, options: Options = DEFAULTS) -> Result:
    """Return the value of `expr` at `time_ms` (Unix milliseconds).

    Raises QueryError("execution", ...) where Prometheus answers with an execution error.
    """
    raise QueryError("execution", f"{type(expr).__name__} is not supported at {time_ms}")


def evaluate_range(
    expr: Expr, source: SeriesSource, start_ms: int, end_ms: int, step_ms: int, options: Options = DEFAULTS
) -> Matrix:
    """Return the value of `expr` at `start_ms`, `start_ms + step_ms`, ... up to `end_ms`."""
    raise QueryError("execution", f"{type(expr).__name__} is not supported from {start_ms} to {end_ms} by {step_ms}")
