"""Binary operators."""

from dataclasses import replace

import numpy as np

from sidecar.model.series import Bools, Floats
from sidecar.promql.ast import Binary
from sidecar.promql.join import joined, set_operation
from sidecar.promql.names import without_name
from sidecar.promql.operators import ARITHMETIC, COMPARISON, SETS
from sidecar.promql.value import StepVector, Value


def binary(expr: Binary, left: Value, right: Value) -> Value:
    """Return `left op right`; either side may be a vector or a scalar."""
    if isinstance(left, StepVector) and isinstance(right, StepVector):
        if expr.op in SETS:
            return set_operation(expr.op, expr.matching, left, right)
        return joined(expr, left, right, operated)
    if isinstance(left, StepVector):
        return _with_scalar(expr, left, left.values, _numbers(right), left.values)
    if isinstance(right, StepVector):
        return _with_scalar(expr, right, _numbers(left), right.values, right.values)
    values, keep = operated(expr, _numbers(left), _numbers(right))
    return values if keep is None else keep.astype(np.float64)


def operated(expr: Binary, left: Floats, right: Floats) -> tuple[Floats, Bools | None]:
    """Return the values of `left op right`, and for a comparison which stay; it keeps the values of `left`."""
    if expr.op in ARITHMETIC:
        return ARITHMETIC[expr.op](left, right), None
    kept = COMPARISON[expr.op](left, right)
    return (kept.astype(np.float64), None) if expr.return_bool else (left, kept)


def _with_scalar(expr: Binary, vector: StepVector, left: Floats, right: Floats, kept: Floats) -> StepVector:
    values, keep = operated(expr, left, right)
    if keep is None:
        return without_name(replace(vector, values=values))
    return replace(vector, values=kept, present=vector.present & keep)


def _numbers(value: Value) -> Floats:
    assert isinstance(value, np.ndarray)  # the parser refuses strings and range vectors here
    return value
