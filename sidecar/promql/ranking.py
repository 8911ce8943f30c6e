"""The largest and smallest series of each group."""

from dataclasses import replace

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.series import Floats, Grouping, Ints
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, take

_LARGEST = float(1 << 62)


def topk(scope: Scope, vector: StepVector, grouping: Grouping, limits: Floats) -> StepVector:
    """Return the `limits` largest samples of each group at each step, with their own labels; NaN counts least."""
    return _best(scope, vector, grouping, limits, -1.0)


def bottomk(scope: Scope, vector: StepVector, grouping: Grouping, limits: Floats) -> StepVector:
    """Return the `limits` smallest samples of each group at each step, with their own labels; NaN counts least."""
    return _best(scope, vector, grouping, limits, 1.0)


def check_limits(limits: Floats) -> None:
    """Raise QueryError for a limit that is not a number or out of Prometheus' range."""
    if np.isnan(limits).any():
        raise QueryError("execution", "Parameter value is NaN")
    if (np.abs(limits) > _LARGEST).any():
        raise QueryError("execution", f"Scalar value {limits[0]} overflows int64")


def _best(scope: Scope, vector: StepVector, grouping: Grouping, limits: Floats, sign: float) -> StepVector:
    present = np.zeros_like(vector.present)
    order: Ints = np.arange(len(grouping.ids))
    for step in range(len(limits)):
        scope.limit(0)
        order = np.lexsort((vector.values[:, step] * sign, ~vector.present[:, step], grouping.ids))
        rank = np.arange(len(order)) - grouping.starts[grouping.ids[order]]
        present[order, step] = rank < np.trunc(limits[step])
    present &= vector.present
    kept = order if len(limits) == 1 else np.arange(len(order))
    return take(replace(vector, present=present), kept[present[kept].any(axis=1)])
