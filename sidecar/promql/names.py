"""When metric names go: at once, as a Prometheus server does, or at the end (Options.delayed_name_removal)."""

from dataclasses import replace

import numpy as np

from sidecar.model.series import Bools, LabelSets
from sidecar.promql.value import NAME, StepVector, distinct


def with_names(vector: StepVector) -> StepVector:
    """Return `vector` with names that stay until the end of the evaluation."""
    return replace(vector, nameless=np.zeros(len(vector.labels), np.bool_))


def without_name(vector: StepVector) -> StepVector:
    """Return `vector` without metric names; where they go at the end, it only says that they will.

    Two series that become equal must not both have a sample at a step.
    """
    if vector.nameless is None:
        return distinct(replace(vector, labels=vector.labels.without(NAME)))
    return replace(vector, nameless=np.ones(len(vector.labels), np.bool_))


def finished(vector: StepVector) -> StepVector:
    """Return `vector` as a query answers it: no two series are equal, and names that were to go are gone."""
    if vector.nameless is None:
        return distinct(vector)
    pairs = zip(vector.labels, vector.labels.without(NAME), vector.nameless.tolist(), strict=True)
    labels = LabelSets([bare if drop else row for row, bare, drop in pairs])
    return distinct(StepVector(labels, vector.values, vector.present))


def names_of_both(left: StepVector, right: StepVector) -> Bools | None:
    """Return `nameless` of the series of `left` and then `right`; a side without names may not know it."""
    sides = (left, right)
    if all(side.nameless is None for side in sides):
        return None
    return np.concatenate([np.zeros(len(s.labels), np.bool_) if s.nameless is None else s.nameless for s in sides])
