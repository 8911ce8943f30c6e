"""Aggregations of the series of an instant vector, at all steps at once."""

from collections.abc import Callable, Mapping

import numpy as np

from sidecar.model.series import Bools, Floats, Grouping, Ints, LabelSets
from sidecar.promql.ast import Aggregate
from sidecar.promql.quantiles import quantile
from sidecar.promql.ranking import bottomk, check_limits, topk
from sidecar.promql.scope import Scope
from sidecar.promql.summation import compensated_sum
from sidecar.promql.tally import count_values
from sidecar.promql.value import NAME, StepVector, empty_vector, take_rows

_LOST_DIGITS = 1e-6
"""A sum this much smaller than the sum of magnitudes is worked out again with compensation."""


class Groups:
    """The samples of a vector sorted by group: `values` and `present` are (series, steps) in that order."""

    def __init__(self, vector: StepVector, grouping: Grouping) -> None:
        order = grouping.order
        sorted_already = bool((np.diff(order) == 1).all())
        self.starts = grouping.starts
        self.values = vector.values if sorted_already else take_rows(vector.values, order)
        self.present = vector.present if sorted_already else take_rows(vector.present, order)
        self.complete = bool(self.present.all())
        self.sizes = np.diff(np.append(self.starts, len(order)))

    def filled(self, filler: float) -> Floats:
        """Return the values with `filler` where there is no sample."""
        return self.values if self.complete else np.where(self.present, self.values, filler)

    def counts(self) -> Floats:
        """Return how many samples each group has at each step."""
        if self.complete:
            return np.repeat(self.sizes[:, np.newaxis].astype(np.float64), self.values.shape[1], axis=1)
        return np.add.reduceat(self.present.astype(np.float64), self.starts, axis=0)

    def spread(self, by_group: Floats) -> Floats:
        """Return a value per group as a value per series."""
        return np.repeat(by_group, self.sizes, axis=0)

    def sums(self, values: Floats) -> Floats:
        """Return the sum of `values`, which are 0 where absent, per group and step."""
        total = np.add.reduceat(values, self.starts, axis=0)
        magnitude = np.add.reduceat(np.abs(values), self.starts, axis=0)
        doubtful = (np.abs(total) < magnitude * _LOST_DIGITS) | (np.isinf(magnitude) & ~np.isfinite(total))
        for group, step in zip(*np.nonzero(doubtful), strict=True):
            total[group, step] = compensated_sum(values[self.members(group), step])
        return total

    def means(self, values: Floats) -> Floats:
        """Return the mean of `values` per group and step, finite where all are, even if their sum is not."""
        counts = self.counts()
        mean = self.sums(values) / counts
        for group, step in zip(*np.nonzero(np.isinf(mean)), strict=True):
            mean[group, step] = compensated_sum(values[self.members(group), step] / counts[group, step])
        return mean

    def members(self, group: int) -> slice:
        """Return the rows of `group`."""
        return slice(int(self.starts[group]), int(self.starts[group] + self.sizes[group]))


def _variance(groups: Groups) -> Floats:
    least = np.fmin.reduceat(groups.filled(np.nan), groups.starts, axis=0)
    moved = np.where(groups.present, groups.values - groups.spread(least), 0.0)  # equal values become 0, not nearly 0
    deviation = np.where(groups.present, moved - groups.spread(groups.means(moved)), 0.0)
    return groups.means(deviation * deviation)


def _extreme(pick: np.ufunc) -> Callable[[Groups], Floats]:
    return lambda groups: np.asarray(pick.reduceat(groups.filled(np.nan), groups.starts, axis=0))


_SUMMARIES: Mapping[str, Callable[[Groups], Floats]] = {
    "avg": lambda groups: groups.means(groups.filled(0.0)),
    "count": lambda groups: groups.counts(),
    "group": lambda groups: np.ones((len(groups.starts), groups.values.shape[1])),
    "max": _extreme(np.fmax),
    "min": _extreme(np.fmin),
    "stddev": lambda groups: np.sqrt(_variance(groups)),
    "stdvar": _variance,
    "sum": lambda groups: groups.sums(groups.filled(0.0)),
}

AGGREGATIONS = frozenset({*_SUMMARIES, "topk", "bottomk", "quantile", "count_values"})
"""Every aggregation this engine knows; others are refused by name."""


def aggregate(scope: Scope, expr: Aggregate) -> StepVector:
    """Return the aggregation `expr`; a group without a sample at a step has no result there."""
    vector = scope.vector(expr.expr)
    if expr.op == "count_values" and expr.param is not None:
        return count_values(scope, vector, scope.string(expr.param), expr)
    param = None if expr.param is None else scope.scalar(expr.param)
    if param is not None and expr.op != "quantile":
        check_limits(param)
    if not len(vector.labels):
        return empty_vector(len(scope.times))
    grouping = group_labels(vector.labels, expr).grouping()
    if param is None:
        return _summary(vector, grouping, _SUMMARIES[expr.op])
    if expr.op == "quantile":
        return _quantiles(scope, vector, grouping, param)
    return (topk if expr.op == "topk" else bottomk)(scope, vector, grouping, param)


def group_labels(labels: LabelSets, expr: Aggregate) -> LabelSets:
    """Return the label set of the group that each row belongs to."""
    return labels.without({*expr.grouping, *NAME}) if expr.without else labels.only(expr.grouping)


def _summary(vector: StepVector, grouping: Grouping, summary: Callable[[Groups], Floats]) -> StepVector:
    groups = Groups(vector, grouping)
    return StepVector(grouping.labels, summary(groups), _present(groups), _nameless(vector, grouping))


def _present(groups: Groups) -> Bools:
    return np.asarray(np.logical_or.reduceat(groups.present, groups.starts, axis=0))


def _nameless(vector: StepVector, grouping: Grouping) -> Bools | None:
    """Return which groups have a sample of a series whose name goes at the end; theirs goes with it."""
    if vector.nameless is None:
        return None
    going = vector.nameless & vector.present.any(axis=1)
    return np.asarray(np.logical_or.reduceat(going[grouping.order], grouping.starts))


def _quantiles(scope: Scope, vector: StepVector, grouping: Grouping, share: Floats) -> StepVector:
    groups = Groups(vector, grouping)
    result = np.zeros((len(grouping.labels), len(share)))
    for group in range(len(result)):
        scope.limit(0)
        rows = groups.members(group)
        result[group] = _group_quantile(share, groups.values[rows], groups.present[rows])
    return StepVector(grouping.labels, result, _present(groups), _nameless(vector, grouping))


def _group_quantile(share: Floats, values: Floats, present: Bools) -> Floats:
    if present.all():
        return quantile(share, values.T)
    steps: Ints = np.flatnonzero(present.any(axis=0))
    result = np.zeros(len(share))
    for step in steps.tolist():
        result[step] = quantile(share[step], values[present[:, step], step])
    return result
