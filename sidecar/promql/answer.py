"""From arrays of all steps to the answer of a query."""

from collections.abc import Iterator, Sequence
from heapq import merge

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels
from sidecar.model.sample import ABSENT
from sidecar.model.series import Ints, SeriesBlock, is_absent
from sidecar.promql.names import finished
from sidecar.promql.result import Matrix, Result, Sample, Scalar, Series, String, Vector
from sidecar.promql.value import StepVector, Value, single_series
from sidecar.promql.windows import RangeVector, without_gaps

_AT_ONCE = 5000
"""Series sorted at once, in 5 ms."""


def instant_result(value: Value, time_ms: int) -> Result:
    """Return the answer of an instant query, whose value has one step."""
    if isinstance(value, str):
        return String(time_ms, value)
    if not isinstance(value, StepVector):
        return Scalar(time_ms, float(value[0]))
    vector = finished(value)
    values = vector.values[:, 0].tolist()
    rows = np.flatnonzero(vector.present[:, 0]).tolist()
    return Vector(time_ms, tuple(Sample(vector.labels[row], values[row]) for row in rows))


def range_result(value: Value, times: Ints) -> Matrix:
    """Return the answer of a range query: series by their labels, without those that have no sample."""
    if isinstance(value, str):
        raise QueryError("bad_data", "a string is no answer of a range query")
    vector = finished(value) if isinstance(value, StepVector) else single_series(value)
    series = [_series(vector, row, times) for row in np.flatnonzero(vector.present.any(axis=1)).tolist()]
    return Matrix(tuple(_by_labels(series)))


def _series(vector: StepVector, row: int, times: Ints) -> Series:
    """Return the samples of a row; where it has one at each step, nothing is copied."""
    present, values = vector.present[row], vector.values[row]
    if present.all():
        return Series(vector.labels[row], times, values)
    return Series(vector.labels[row], times[present], values[present])


def matrix_of_blocks(ranges: RangeVector) -> Matrix:
    """Return the samples in the window of a range vector at the only step."""
    end = int(ranges.ends[0])
    series = []
    for block in _finished_blocks(ranges):
        for rows, times, values in without_gaps(block):
            inside = (times > end - ranges.range_ms) & (times <= end)
            if inside.any():
                chosen = np.arange(len(block.labels))[rows].tolist()
                series += [Series(block.labels[row], times[inside], values[i, inside]) for i, row in enumerate(chosen)]
    return Matrix(tuple(_by_labels(series)))


def _finished_blocks(ranges: RangeVector) -> Sequence[SeriesBlock]:
    """Return the blocks without the names that were to go; only the one block of a subquery has such."""
    if ranges.nameless is None or not ranges.nameless.any():
        return ranges.blocks
    (block,) = ranges.blocks
    present = ~is_absent(block.values)
    vector = finished(StepVector(block.labels, block.values, present, ranges.nameless))
    return [SeriesBlock(block.times, vector.labels, np.where(vector.present, vector.values, ABSENT))]


def _by_labels(series: list[Series]) -> Iterator[Series]:
    """Yield `series` in the order of their labels; sorted in parts, between which other threads may run."""
    parts = (sorted(series[start : start + _AT_ONCE], key=_labels) for start in range(0, len(series), _AT_ONCE))
    return merge(*parts, key=_labels)


def _labels(series: Series) -> Labels:
    return series.labels
