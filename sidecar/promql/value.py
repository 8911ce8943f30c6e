"""What an expression is while it is evaluated: values at every step at once."""

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.model.series import NO_LABELS, Bools, Floats, Grouping, Ints, LabelSets

ScalarT = TypeVar("ScalarT", bound=np.generic)

NAME = frozenset({METRIC_NAME, "__type__", "__unit__"})
"""What says which metric a sample is of; gone once it is a sample of that metric no longer."""
SAME_LABELS = "vector cannot contain metrics with the same labelset"
NO_SERIES = LabelSets(())


@dataclass(frozen=True, slots=True)
class StepVector:
    """An instant vector at each step: `values` and `present` are (series, steps), with a label set per series.

    Where `present` is false there is no sample and the value means nothing. Cells lie step by step in memory
    (Fortran order) wherever that is cheap to keep, as in a block.

    `nameless` (series,) says which series lose their metric names at the end of the evaluation; it is None where
    names go at once, and for series that never had any.
    """

    labels: LabelSets
    values: Floats
    present: Bools
    nameless: Bools | None = None


Value: TypeAlias = StepVector | Floats | str
"""A vector, a scalar at each step (steps,), or a string."""


def empty_vector(steps: int) -> StepVector:
    """Return a vector without series."""
    return StepVector(NO_SERIES, np.empty((0, steps)), np.empty((0, steps), np.bool_))


def single_series(values: Floats, present: Bools | None = None, labels: LabelSets = NO_LABELS) -> StepVector:
    """Return one series, without labels unless given, from (steps,) arrays."""
    mask = np.ones(len(values), np.bool_) if present is None else present
    return StepVector(labels, values[np.newaxis], mask[np.newaxis])


def take(vector: StepVector, rows: Ints) -> StepVector:
    """Return the series `rows` of `vector`, in that order."""
    nameless = None if vector.nameless is None else vector.nameless[rows]
    return StepVector(
        vector.labels.take(rows), take_rows(vector.values, rows), take_rows(vector.present, rows), nameless
    )


def take_rows(array: NDArray[ScalarT], rows: Ints) -> NDArray[ScalarT]:
    """Return `array[rows]` in Fortran order."""
    return array.T[..., rows].T


def distinct(vector: StepVector) -> StepVector:
    """Return `vector` with equal label sets joined into one series.

    Raises QueryError when two of them have a sample at the same step.
    """
    if vector.labels.unique:
        return vector
    grouping = vector.labels.grouping()
    values, present, crowded = collapse(vector, grouping.ids, len(grouping.labels))
    if crowded.any():
        raise QueryError("execution", SAME_LABELS)
    nameless = None if vector.nameless is None else vector.nameless[_earliest(vector, grouping)]
    return StepVector(grouping.labels, values, present, nameless)


def _earliest(vector: StepVector, grouping: Grouping) -> Ints:
    """Return for each group the row that has a sample first; its name is the one that stays or goes."""
    steps = vector.present.shape[1]
    first = np.where(vector.present.any(axis=1), vector.present.argmax(axis=1), steps)
    order = np.lexsort((first, grouping.ids))
    return order[np.searchsorted(grouping.ids[order], np.arange(len(grouping.labels)))]


def collapse(vector: StepVector, ids: Ints, groups: int) -> tuple[Floats, Bools, Bools]:
    """Return the sample of each group at each step, whether there is one, and where there is more than one.

    `ids[row]` is the group of a row, -1 for none. All three results are (groups, steps).
    """
    shape = (groups, vector.values.shape[1])
    values, counts = np.zeros(shape), np.zeros(shape, np.int64)
    rows, steps = np.nonzero(vector.present & (ids >= 0)[:, np.newaxis])
    values[ids[rows], steps] = vector.values[rows, steps]
    np.add.at(counts, (ids[rows], steps), 1)
    return values, counts > 0, counts > 1


def labels_text(labels: Labels) -> str:
    """Return `labels` the way Prometheus writes them into error messages."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
