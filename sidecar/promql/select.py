"""Instant selectors: the latest sample of each series at each step."""

from collections.abc import Sequence

import numpy as np

from sidecar.model.series import Bools, Floats, Ints, SeriesBlock, is_absent, is_stale
from sidecar.promql.value import StepVector
from sidecar.promql.windows import concatenated


def latest(blocks: Sequence[SeriesBlock], times: Ints, lookback_ms: int) -> StepVector:
    """Return the newest sample in (time - lookback, time] of each series, unless it is a staleness marker."""
    return concatenated([_latest(block, times, lookback_ms)[0] for block in blocks], len(times))


def latest_times(blocks: Sequence[SeriesBlock], times: Ints, lookback_ms: int) -> StepVector:
    """Return the same series with the time of that sample, in seconds, as value."""
    parts = []
    for block in blocks:
        vector, columns = _latest(block, times, lookback_ms)
        seconds = np.broadcast_to(block.times[columns] / 1000, vector.values.shape)
        parts.append(StepVector(vector.labels, seconds, vector.present))
    return concatenated(parts, len(times))


def _latest(block: SeriesBlock, times: Ints, lookback_ms: int) -> tuple[StepVector, Ints]:
    """Return the latest samples of `block` and the columns they stand in, (steps,) or (series, steps)."""
    columns = np.searchsorted(block.times, times, side="right") - 1
    values = block.values.T[columns].T
    present = np.broadcast_to(_fresh(block.times, columns, times, lookback_ms), values.shape)
    if not np.isnan(values).any():
        return StepVector(block.labels, values, present), columns
    missing = np.flatnonzero(is_absent(values).any(axis=1))
    if len(missing):
        present = present.copy()
        filled = np.where(columns < 0, -1, _last_filled(block.values[missing])[:, columns])
        columns = np.repeat(columns[np.newaxis], len(values), axis=0)
        columns[missing] = filled
        values[missing] = block.values[missing[:, np.newaxis], columns[missing]]
        present[missing] = _fresh(block.times, columns[missing], times, lookback_ms)
    return StepVector(block.labels, values, present & ~is_stale(values)), columns


def _fresh(sample_times: Ints, columns: Ints, times: Ints, lookback_ms: int) -> Bools:
    return (columns >= 0) & (sample_times[columns] > times - lookback_ms)


def _last_filled(values: Floats) -> Ints:
    """Return for each column of each row the last column up to it that holds a sample or marker, or -1."""
    columns = np.where(is_absent(values), -1, np.arange(values.shape[1]))
    return np.maximum.accumulate(columns, axis=1)
