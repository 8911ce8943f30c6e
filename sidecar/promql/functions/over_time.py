"""Functions that summarise each window on its own."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.series import Floats
from sidecar.promql.quantiles import quantile
from sidecar.promql.summation import stable_mean, stable_sum
from sidecar.promql.windows import Kernel, Windows


def _ones(windows: Windows) -> Floats:
    return np.ones(windows.values.shape[:-1])


def _stdvar(windows: Windows) -> Floats:
    moved = windows.values - windows.values[..., :1]  # equal values have no variance at all
    deviation = moved - stable_mean(moved)[..., np.newaxis]
    return stable_mean(deviation * deviation)


def _changes(windows: Windows) -> Floats:
    before, after = windows.values[..., :-1], windows.values[..., 1:]
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return np.asarray(changed.sum(axis=-1), np.float64)


def _resets(windows: Windows) -> Floats:
    return np.asarray((windows.values[..., 1:] < windows.values[..., :-1]).sum(axis=-1), np.float64)


def _quantile(windows: Windows) -> Floats:
    return quantile(windows.params[0], windows.values)


def _max(windows: Windows) -> Floats:
    return _ignoring_nan(windows.values, np.maximum, np.fmax)


def _min(windows: Windows) -> Floats:
    return _ignoring_nan(windows.values, np.minimum, np.fmin)


def _ignoring_nan(values: Floats, fast: np.ufunc, careful: np.ufunc) -> Floats:
    """Return the extreme of each window, NaN only where all values are; the careful way is thirty times slower."""
    result = np.asarray(fast.reduce(values, axis=-1), np.float64)
    doubtful = np.isnan(result)
    if doubtful.any():
        result[doubtful] = careful.reduce(values[doubtful], axis=-1)
    return result


OVER_TIME: Mapping[str, Kernel] = {
    "avg_over_time": lambda windows: stable_mean(windows.values),
    "changes": _changes,
    "count_over_time": lambda windows: _ones(windows) * windows.values.shape[-1],
    "first_over_time": lambda windows: windows.values[..., 0],
    "last_over_time": lambda windows: windows.values[..., -1],
    "max_over_time": _max,
    "min_over_time": _min,
    "present_over_time": _ones,
    "quantile_over_time": _quantile,
    "resets": _resets,
    "stddev_over_time": lambda windows: np.sqrt(_stdvar(windows)),
    "stdvar_over_time": _stdvar,
    "sum_over_time": lambda windows: stable_sum(windows.values),
}
"""All need one sample in the window."""

KEEP_NAME = frozenset({"first_over_time", "last_over_time"})
"""Functions whose result is a sample of the series and keeps its metric name."""
