"""Quantiles of classic histograms."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.labels import METRIC_NAME
from sidecar.model.series import Bools, Floats, LabelSets
from sidecar.promql.ast import Call
from sidecar.promql.functions.plain import Function
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, Value, empty_vector, take

_TOLERANCE = 1e-12
"""Relative decrease between buckets that is taken for a rounding error."""


def _histogram_quantile(scope: Scope, call: Call) -> Value:
    share = scope.scalar(call.args[0])
    vector = scope.vector(call.args[1])
    bounds = _upper_bounds(vector.labels)
    usable = np.flatnonzero(~np.isnan(bounds))
    if not len(usable):
        return empty_vector(len(scope.times))
    if len(usable) < len(bounds):
        vector, bounds = take(vector, usable), bounds[usable]
    grouping = vector.labels.without({"le", METRIC_NAME}).grouping()
    values = np.zeros((len(grouping.labels), len(share)))
    for group, rows in enumerate(np.split(grouping.order, grouping.starts[1:])):
        rows = rows[np.argsort(bounds[rows], kind="stable")]
        values[group] = _group_quantiles(share, bounds[rows], vector.values[rows], vector.present[rows])
    present = np.logical_or.reduceat(vector.present[grouping.order], grouping.starts, axis=0)
    return StepVector(grouping.labels, values, present)


def _upper_bounds(labels: LabelSets) -> Floats:
    """Return the value of `le` of each row, NaN where it is missing or not a number."""
    return labels.memo("le", lambda: np.array([_number(dict(row).get("le", "")) for row in labels], np.float64))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _group_quantiles(share: Floats, bounds: Floats, counts: Floats, present: Bools) -> Floats:
    """Return the quantile at each step of one histogram, whose buckets may come and go from step to step."""
    result = np.full(len(share), np.nan)
    patterns, members = np.unique(present, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        steps, buckets = np.flatnonzero(members.ravel() == index), patterns[:, index]
        if buckets.any():
            result[steps] = _quantiles(share[steps], bounds[buckets], counts[np.ix_(buckets, steps)])
    return result


def _quantiles(share: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return the quantile at each step from cumulative `counts` (buckets, steps) at ascending upper `bounds`."""
    bounds, first = np.unique(bounds, return_index=True)
    counts = _monotonic(np.add.reduceat(counts, first, axis=0))
    if len(bounds) < 2 or bounds[-1] != np.inf:
        return np.full(len(share), np.nan)
    total = counts[-1]
    rank = share * total
    found = (counts[:-1] < rank).sum(axis=0)  # the first bucket that reaches the rank; the last one if none does
    bucket = np.minimum(found, len(bounds) - 2)
    steps = np.arange(len(share))
    below = np.where(bucket > 0, counts[bucket - 1, steps], 0.0)
    start = np.where(bucket > 0, bounds[bucket - 1], 0.0)
    end = bounds[bucket]
    result = start + (end - start) * ((rank - below) / (counts[bucket, steps] - below))
    result = np.where((found > bucket) | ((bucket == 0) & (end <= 0)), end, result)
    result = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, result))
    return np.where((total == 0) | np.isnan(total) | np.isnan(share), np.nan, result)


def _monotonic(counts: Floats) -> Floats:
    """Return `counts` without decreases from bucket to bucket, nor increases within the tolerance."""
    result = counts.copy()
    for index in range(1, len(result)):
        before, after = result[index - 1], result[index]
        close = np.abs(after - before) <= _TOLERANCE * (np.abs(after) + np.abs(before)) / 2
        result[index] = np.where(close | (after < before), before, after)
    return result


HISTOGRAM: Mapping[str, Function] = {"histogram_quantile": _histogram_quantile}
