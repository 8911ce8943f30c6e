"""Functions of classic histograms: cumulative buckets told apart by the label `le`."""

from collections.abc import Callable, Mapping

import numpy as np

from sidecar.model.series import Floats, LabelSets
from sidecar.promql.ast import Call
from sidecar.promql.functions.plain import Function
from sidecar.promql.names import with_names, without_name
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, Value, empty_vector, take

_TOLERANCE = 1e-12
"""Relative decrease between buckets that is taken for a rounding error."""


Summary = Callable[[tuple[Floats, ...], Floats, Floats], Floats]
"""Gives a value per step from arguments (steps,), ascending bounds (buckets,) and their counts (buckets, steps)."""


def _of_buckets(summary: Summary) -> Function:
    """Return the function of scalars and a vector of buckets that applies `summary` to each histogram."""

    def apply(scope: Scope, call: Call) -> Value:
        params = tuple(scope.scalar(arg) for arg in call.args[:-1])
        vector = scope.vector(call.args[-1])
        bounds = _upper_bounds(vector.labels)
        usable = np.flatnonzero(~np.isnan(bounds))
        if not len(usable):
            return empty_vector(len(scope.times))
        if len(usable) < len(bounds):
            vector, bounds = take(vector, usable), bounds[usable]
        return without_name(_by_histogram(scope, summary, params, vector, bounds))

    return apply


def _by_histogram(
    scope: Scope, summary: Summary, params: tuple[Floats, ...], vector: StepVector, bounds: Floats
) -> StepVector:
    grouping = vector.labels.without({"le"}).grouping()
    values = np.zeros((len(grouping.labels), vector.values.shape[1]))
    for group, members in enumerate(np.split(grouping.order, grouping.starts[1:])):
        scope.limit(0)
        rows = members[np.argsort(bounds[members], kind="stable")]
        values[group] = _summarised(summary, params, bounds[rows], take(vector, rows))
    present = np.logical_or.reduceat(vector.present[grouping.order], grouping.starts, axis=0)
    found = StepVector(grouping.labels, values, np.asarray(present))
    return found if vector.nameless is None else with_names(found)


def _upper_bounds(labels: LabelSets) -> Floats:
    """Return the value of `le` of each row, NaN where it is missing or not a number."""
    return labels.memo("le", lambda: np.array([_number(dict(row).get("le", "")) for row in labels], np.float64))


def _number(text: str) -> float:
    """Return `text` as Prometheus reads a bound; NaN if it is none, such as `1_000`, which Python alone would take."""
    try:
        return float(text) if "_" not in text and text.isascii() else np.nan
    except ValueError:
        return np.nan


def _summarised(summary: Summary, params: tuple[Floats, ...], bounds: Floats, buckets: StepVector) -> Floats:
    """Return the summary of one histogram at each step; its buckets may come and go from step to step."""
    result = np.full(buckets.values.shape[1], np.nan)
    patterns, members = np.unique(buckets.present, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        steps, filled = np.flatnonzero(members.ravel() == index), patterns[:, index]
        if filled.any():
            merged, first = np.unique(bounds[filled], return_index=True)
            counts = np.add.reduceat(buckets.values[np.ix_(filled, steps)], first, axis=0)
            result[steps] = summary(tuple(param[steps] for param in params), merged, counts)
    return result


def _quantile(params: tuple[Floats, ...], bounds: Floats, counts: Floats) -> Floats:
    """Return the value below which a share of the observations lies; infinite for a share that no histogram has."""
    (share,) = params
    result = _value_at(share, bounds, counts) if _is_whole(bounds) else np.full(len(share), np.nan)
    return np.where(share < 0, -np.inf, np.where(share > 1, np.inf, result))


def _value_at(share: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return the value below which a share of the observations lies, evenly spread within each bucket."""
    if len(bounds) < 2:
        return np.full(len(share), np.nan)
    counts = _monotonic(counts)
    total = counts[-1]
    rank = share * total
    found = (~(counts[:-1] >= rank)).sum(axis=0)  # the first bucket that reaches the rank; the last one if none does
    bucket = np.minimum(found, len(bounds) - 2)
    steps = np.arange(len(share))
    below = np.where(bucket > 0, counts[bucket - 1, steps], 0.0)
    start = np.where(bucket > 0, bounds[bucket - 1], 0.0)
    end = bounds[bucket]
    result = start + (end - start) * ((rank - below) / (counts[bucket, steps] - below))
    result = np.where((found > bucket) | ((bucket == 0) & (end <= 0)), end, result)
    return np.where((total == 0) | np.isnan(share), np.nan, result)


def _fraction(params: tuple[Floats, ...], bounds: Floats, counts: Floats) -> Floats:
    """Return the share of observations between two values, evenly spread within each bucket."""
    lower, upper = params
    if not _is_whole(bounds):
        return np.full(len(lower), np.nan)
    total = counts[-1]
    share = np.where(lower >= upper, 0.0, _rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / total
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return how many observations are at most `value`; those of a bucket without end lie at its finite bound."""
    steps = np.arange(len(value))
    bucket = np.minimum(np.searchsorted(bounds, value), len(bounds) - 1)
    below = np.where(bucket > 0, counts[bucket - 1, steps], 0.0)
    start = np.where(bucket > 0, bounds[bucket - 1], 0.0 if bounds[0] > 0 else -np.inf)
    share = np.clip((value - start) / (bounds[bucket] - start), 0.0, 1.0)
    share = np.where(np.isinf(start), 1.0, share)
    rank = below + (counts[bucket, steps] - below) * share
    return np.where(np.isinf(value), np.where(value > 0, counts[-1], 0.0), rank)


def _is_whole(bounds: Floats) -> bool:
    """Return whether the last bucket counts every observation."""
    return bool(bounds[-1] == np.inf)


def _monotonic(counts: Floats) -> Floats:
    """Return `counts` without decreases from bucket to bucket, nor increases within the tolerance."""
    result = counts.copy()
    for index in range(1, len(result)):
        before, after = result[index - 1], result[index]
        close = np.abs(after - before) <= _TOLERANCE * (np.abs(after) + np.abs(before)) / 2
        result[index] = np.where(close | (after < before), before, after)
    return result


HISTOGRAM: Mapping[str, Function] = {
    "histogram_fraction": _of_buckets(_fraction),
    "histogram_quantile": _of_buckets(_quantile),
}
