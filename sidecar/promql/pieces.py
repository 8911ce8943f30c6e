"""Aggregations over many steps, some of the steps at a time: they look at much and give little."""

from collections.abc import Sequence

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.series import Ints, LabelSets
from sidecar.promql.ast import Aggregate, Binary, Call, Expr, MatrixSelector, Number, String, VectorSelector, unwrapped
from sidecar.promql.functions.windowed import WINDOWED
from sidecar.promql.value import StepVector

FEWEST_STEPS = 16
_CELLS = 1 << 17
"""Samples at once, of all series together: one megabyte, of which a kernel makes some copies."""


def is_separable(expr: Aggregate) -> bool:
    """Return whether `expr` is worth evaluating in pieces: its labels cost nothing the second time.

    Below it are selectors of one metric each, functions over their windows, and arithmetic with numbers. Series of
    several metrics could become equal in different pieces, where that is an error of the whole.
    """
    return isinstance(expr.param, Number | String | None) and _is_light(expr.expr)


def steps_at_once(series: int) -> int:
    """Return how many steps of an expression over so many series make a piece."""
    return max(FEWEST_STEPS, _CELLS // max(1, series))


def beside(parts: Sequence[StepVector]) -> StepVector:
    """Return `parts`, each of other steps, as one vector of the steps of all; no part has two equal series."""
    numbers: dict[Labels, int] = {}
    rows = [_numbered(numbers, part.labels) for part in parts]
    steps = sum(part.values.shape[1] for part in parts)
    values, present = np.zeros((steps, len(numbers))).T, np.zeros((steps, len(numbers)), np.bool_).T
    start = 0
    for part, places in zip(parts, rows, strict=True):
        end = start + part.values.shape[1]
        values[places, start:end], present[places, start:end] = part.values, part.present
        start = end
    return StepVector(LabelSets(list(numbers)), values, present)


def _numbered(numbers: dict[Labels, int], labels: LabelSets) -> Ints:
    return np.array([numbers.setdefault(row, len(numbers)) for row in labels], np.intp)


def _is_light(expr: Expr) -> bool:
    match unwrapped(expr):
        case VectorSelector(name=name) | MatrixSelector(VectorSelector(name=name)):
            return bool(name)
        case Binary(left=left, right=right):
            numbers = isinstance(unwrapped(left), Number) + isinstance(unwrapped(right), Number)
            return numbers == 1 and _is_light(left) and _is_light(right)
        case Call(function, args):
            return function in WINDOWED and all(map(_is_light, args))
        case Number():
            return True
        case _:
            return False
