"""Calls of functions that take a range vector."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Call
from sidecar.promql.functions.over_time import KEEP_NAME, OVER_TIME
from sidecar.promql.functions.plain import Function
from sidecar.promql.functions.rate import RATES
from sidecar.promql.functions.regression import REGRESSIONS
from sidecar.promql.names import without_name
from sidecar.promql.scope import Scope
from sidecar.promql.value import NAME, SAME_LABELS, StepVector, Value, distinct
from sidecar.promql.windows import Kernel, apply


def _windowed(name: str, kernel: Kernel, min_samples: int) -> Function:
    range_index = 1 if name == "quantile_over_time" else 0

    def call_kernel(scope: Scope, call: Call) -> Value:
        ranges = scope.range_vector(call.args[range_index])
        params = tuple(scope.scalar(arg) for index, arg in enumerate(call.args) if index != range_index)
        result = apply(kernel, ranges, scope, params, min_samples)
        return distinct(result) if name in KEEP_NAME else _without_name(result)

    return call_kernel


def _without_name(vector: StepVector) -> StepVector:
    """Return `vector` without names; series that become equal are an error also where they never meet.

    Prometheus joins such series after other functions, and refuses them here.
    """
    bare = without_name(vector)
    if len(bare.labels) < len(vector.labels):
        found = vector.labels.without(NAME).take(np.flatnonzero(vector.present.any(axis=1)))
        if not found.unique:
            raise QueryError("execution", SAME_LABELS)
    return bare


WINDOWED: Mapping[str, Function] = {
    **{name: _windowed(name, kernel, 2) for name, kernel in RATES.items()},
    **{name: _windowed(name, kernel, 2) for name, kernel in REGRESSIONS.items()},
    **{name: _windowed(name, kernel, 1) for name, kernel in OVER_TIME.items()},
}
