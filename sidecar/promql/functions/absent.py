"""Functions that have a value where something has none."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.model.matcher import MatchOp
from sidecar.model.series import LabelSets
from sidecar.promql.ast import Call, Expr, MatrixSelector, VectorSelector, unwrapped
from sidecar.promql.functions.over_time import OVER_TIME
from sidecar.promql.functions.plain import Function
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, Value, single_series
from sidecar.promql.windows import apply


def _absent(scope: Scope, call: Call) -> Value:
    return _inverted(scope.vector(call.args[0]), call.args[0])


def _absent_over_time(scope: Scope, call: Call) -> Value:
    ranges = scope.range_vector(call.args[0])
    found = apply(OVER_TIME["present_over_time"], ranges, scope, (), 1)
    return _inverted(found, call.args[0])


def _inverted(found: StepVector, expr: Expr) -> StepVector:
    missing = np.logical_not(np.logical_or.reduce(found.present, axis=0))
    return single_series(np.ones(len(missing)), missing, LabelSets([_labels_asked_for(expr)]))


def _labels_asked_for(expr: Expr) -> Labels:
    """Return the labels that a selector's `=` matchers fix; any matcher after that unfixes its name for good."""
    selector = unwrapped(expr)
    if isinstance(selector, MatrixSelector):
        selector = selector.selector
    if not isinstance(selector, VectorSelector):
        return ()
    fixed: dict[str, str] = {}
    for matcher in selector.matchers:
        first = matcher.op is MatchOp.EQUAL and matcher.name not in fixed
        if first or matcher.name in fixed:
            fixed[matcher.name] = matcher.value if first else ""
    return labels_of((name, value) for name, value in fixed.items() if name != METRIC_NAME)


ABSENT: Mapping[str, Function] = {"absent": _absent, "absent_over_time": _absent_over_time}
