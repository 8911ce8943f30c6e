"""The aggregation that counts equal values."""

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels, replaced
from sidecar.model.series import LabelSets
from sidecar.promql.ast import Aggregate
from sidecar.promql.budget import SAMPLES_PER_SERIES
from sidecar.promql.names import with_names
from sidecar.promql.number import format_plain
from sidecar.promql.scope import Scope
from sidecar.promql.value import NAME, StepVector


def count_values(scope: Scope, vector: StepVector, label: str, expr: Aggregate) -> StepVector:
    """Return how often each value occurs in each group, the value written into `label`.

    `without (label)` takes that label out again, which leaves one count of all values.
    """
    if not label:
        raise QueryError("execution", f'invalid label name "{label}"')
    excluded = {*expr.grouping, *NAME}
    written = not (expr.without and label in excluded)
    groups = vector.labels.without(excluded) if expr.without else vector.labels.only(expr.grouping)
    steps = vector.values.shape[1]
    counts: dict[Labels, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}
    for row, step in zip(*np.nonzero(vector.present), strict=True):
        scope.limit(0)
        labels = groups[int(row)]
        if written:
            labels = replaced(labels, ((label, format_plain(float(vector.values[row, step]))),))
        if labels not in counts:
            scope.limit((len(counts) + 1) * (steps + SAMPLES_PER_SERIES))
            counts[labels] = np.zeros(steps)
        counts[labels][step] += 1
    values = np.array(list(counts.values())).reshape(len(counts), steps)
    found = StepVector(LabelSets(list(counts)), values, values > 0)
    return found if vector.nameless is None else with_names(found)
