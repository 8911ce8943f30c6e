"""Evaluation of an expression at one time or over a range of times.

All steps are evaluated at once: every node of the tree is visited once per query, with arrays of (series, steps).
Times are int64 Unix milliseconds.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from sidecar.model.errors import QueryError
from sidecar.model.sample import ABSENT
from sidecar.model.series import Floats, Ints, SeriesBlock
from sidecar.promql.aggregate import aggregate
from sidecar.promql.answer import instant_result, matrix_of_blocks, range_result
from sidecar.promql.ast import (
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Negation,
    Number,
    Offset,
    Paren,
    QueryEdge,
    QueryStep,
    String,
    Subquery,
    VectorSelector,
    unwrapped,
)
from sidecar.promql.binary import binary
from sidecar.promql.budget import SAMPLES_PER_SERIES, Budget
from sidecar.promql.functions.registry import FUNCTIONS
from sidecar.promql.names import with_names, without_name
from sidecar.promql.options import Options
from sidecar.promql.overlap import without_overlap
from sidecar.promql.pieces import FEWEST_STEPS, beside, is_separable, steps_at_once
from sidecar.promql.result import Matrix, Result
from sidecar.promql.scope import Scope
from sidecar.promql.select import latest, latest_times
from sidecar.promql.source import SeriesSource
from sidecar.promql.times import check_steps, checked
from sidecar.promql.value import StepVector, Value
from sidecar.promql.windows import RangeVector

DEFAULTS = Options()


def evaluate_instant(expr: Expr, source: SeriesSource, time_ms: int, options: Options = DEFAULTS) -> Result:
    """Return the value of `expr` at `time_ms` (Unix milliseconds).

    Raises QueryError("execution", ...) where Prometheus answers with an execution error.
    """
    frame = _Frame(time_ms, time_ms, 0)
    evaluation = _Evaluation(_Surroundings(source, options, frame), checked(time_ms, time_ms) + np.zeros(1, np.int64))
    with np.errstate(all="ignore"):
        if isinstance(unwrapped(expr), MatrixSelector | Subquery):
            return matrix_of_blocks(evaluation.range_vector(expr))
        return instant_result(evaluation.value(expr), time_ms)


def evaluate_range(
    expr: Expr, source: SeriesSource, start_ms: int, end_ms: int, step_ms: int, options: Options = DEFAULTS
) -> Matrix:
    """Return the value of `expr` at `start_ms`, `start_ms + step_ms`, ... up to `end_ms`.

    Raises QueryError("bad_data", ...) for an expression that is not a scalar or instant vector or for too many steps.
    """
    check_steps(start_ms, end_ms, step_ms)
    if isinstance(unwrapped(expr), MatrixSelector | Subquery | String):
        message = "invalid expression type for range query, must be Scalar or instant Vector"
        raise QueryError("bad_data", message)
    times = np.arange(checked(start_ms, end_ms), end_ms + 1, step_ms, dtype=np.int64)
    evaluation = _Evaluation(_Surroundings(source, options, _Frame(start_ms, end_ms, step_ms)), times)
    with np.errstate(all="ignore"):
        return range_result(evaluation.value(expr), times)


class _Frame(NamedTuple):
    """What the whole query asks for; subqueries inside have other steps and the same frame."""

    start_ms: int
    end_ms: int
    step_ms: int

    def edge(self, edge: QueryEdge) -> int:
        """Return what `@ start()` or `@ end()` means."""
        return self.start_ms if edge is QueryEdge.START else self.end_ms


class _Evaluation(Scope):
    """One evaluation at certain steps, of a whole query or of what is inside a subquery.

    `series` is how many its own selectors found.
    """

    def __init__(self, around: "_Surroundings", times: Ints) -> None:
        self.times = times
        self.series = 0
        self._around = around
        self._options = around.options
        self._budget = around.budget

    def value(self, expr: Expr) -> Value:
        """Return the value of `expr`; what its parts held is free again, and it is held itself."""
        held = self._budget.held
        self._budget.need(len(self.times))
        value = self._computed(expr)
        self._budget.held = held + _weight(value)
        return value

    def _computed(self, expr: Expr) -> Value:
        match expr:
            case Number(number):
                return np.full(len(self.times), number)
            case String(text):
                return text
            case Paren(inner):
                return self.value(inner)
            case Negation(inner):
                return _negated(self.value(inner))
            case Call():
                return FUNCTIONS[expr.function](self, expr)
            case Aggregate():
                return self._aggregated(expr)
            case Binary(left=left, right=right):
                return binary(expr, self.value(left), self.value(right))
            case VectorSelector():
                return self._named(latest(*self._latest_arguments(expr)))
            case MatrixSelector() | Subquery():
                raise QueryError("bad_data", "a range vector stands where an instant vector is needed")

    @override
    def vector(self, expr: Expr) -> StepVector:
        value = self.value(expr)
        assert isinstance(value, StepVector)  # the parser checked the types
        return value

    @override
    def scalar(self, expr: Expr) -> Floats:
        value = self.value(expr)
        assert isinstance(value, np.ndarray)
        return value

    @override
    def string(self, expr: Expr) -> str:
        value = self.value(expr)
        assert isinstance(value, str)
        return value

    @override
    def sample_times(self, expr: Expr) -> StepVector:
        expr = unwrapped(expr)
        if isinstance(expr, VectorSelector):
            return self._named(latest_times(*self._latest_arguments(expr)))
        vector = self.vector(expr)
        return replace(vector, values=np.broadcast_to(self.times / 1000, vector.values.shape))

    @override
    def range_vector(self, expr: Expr) -> RangeVector:
        inner = unwrapped(expr)
        if isinstance(inner, Subquery):
            return self._subquery(inner)
        assert isinstance(inner, MatrixSelector)
        selector = inner.selector
        ends = self._moved(selector.at, selector.offset)
        blocks = self._select(selector, ends, inner.range_ms)
        series = sum(len(block.labels) for block in blocks)
        nameless = np.zeros(series, np.bool_) if self._options.delayed_name_removal else None
        return RangeVector(blocks, ends, inner.range_ms, nameless)

    def _named(self, vector: StepVector) -> StepVector:
        return with_names(vector) if self._options.delayed_name_removal else vector

    def _latest_arguments(self, selector: VectorSelector) -> tuple[Sequence[SeriesBlock], Ints, int]:
        times = self._moved(selector.at, selector.offset)
        lookback = self._options.lookback_ms
        return self._select(selector, times, lookback), times, lookback

    def _select(self, selector: VectorSelector, times: Ints, reach_ms: int) -> Sequence[SeriesBlock]:
        first, last = int(times.min()), int(times.max())
        blocks = without_overlap(self._around.source.select(selector.matchers, first - reach_ms + 1, last))
        series = sum(len(block.labels) for block in blocks)
        self.series += series
        self.limit(series * len(self.times))
        return blocks

    def _aggregated(self, expr: Aggregate) -> StepVector:
        if len(self.times) <= FEWEST_STEPS or self._options.delayed_name_removal or not is_separable(expr):
            return aggregate(self, expr)
        parts, start, size, held = list[StepVector](), 0, FEWEST_STEPS, self._budget.held
        while start < len(self.times):
            part = _Evaluation(self._around, self.times[start : start + size])
            parts.append(aggregate(part, expr))
            self._budget.held = held = held + _weight(parts[-1])
            start, size = start + size, steps_at_once(part.series)
        return beside(parts)

    def _subquery(self, expr: Subquery) -> RangeVector:
        """Evaluate the inner expression at the multiples of the step that fall into any window."""
        ends = self._moved(expr.at, expr.offset)
        step = expr.step_ms or self._options.default_step_ms
        first, last = ((int(ends.min()) - expr.range_ms) // step + 1) * step, int(ends.max())
        checked(first, last)
        self.limit(max(0, (last - first) // step + 1))
        times = np.arange(first, last + 1, step, dtype=np.int64)
        if not len(times):
            return RangeVector([], ends, expr.range_ms)
        inner = _Evaluation(self._around, times).value(expr.expr)
        assert isinstance(inner, StepVector)
        block = SeriesBlock(times, inner.labels, np.where(inner.present, inner.values, ABSENT))
        return RangeVector([block], ends, expr.range_ms, inner.nameless)

    def _moved(self, at: At | None, offset: Offset) -> Ints:
        """Return the steps as a selector sees them: pinned by `@` first, then moved by the offset."""
        frame = self._around.frame
        offset_ms = frame.step_ms if isinstance(offset, QueryStep) else offset
        if at is None:
            checked(int(self.times[0]) - offset_ms, int(self.times[-1]) - offset_ms)
            return self.times - offset_ms
        pinned = frame.edge(at) if isinstance(at, QueryEdge) else at
        checked(pinned - offset_ms, pinned - offset_ms)
        return np.full(len(self.times), pinned - offset_ms, np.int64)

    @override
    def limit(self, samples: int) -> None:
        self._budget.need(samples)


class _Surroundings:
    """What all parts of an evaluation share."""

    def __init__(self, source: SeriesSource, options: Options, frame: _Frame) -> None:
        self.source = source
        self.options = options
        self.frame = frame
        self.budget = Budget(options.max_samples, options.check)


def _weight(value: Value) -> int:
    """Return how much memory `value` takes, in samples."""
    if isinstance(value, StepVector):
        return value.values.size + len(value.labels) * SAMPLES_PER_SERIES
    return len(value)


def _negated(value: Value) -> Value:
    if isinstance(value, StepVector):
        return without_name(replace(value, values=-value.values))
    assert isinstance(value, np.ndarray)
    return -value
