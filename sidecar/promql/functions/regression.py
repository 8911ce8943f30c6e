"""Functions that fit a line or a trend to each window."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.series import Floats
from sidecar.promql.windows import Kernel, Windows


def _line(windows: Windows) -> tuple[Floats, Floats, Floats]:
    """Return slope per second, mean value, and mean time in seconds before the evaluation time, of each window.

    A window of equal values has slope 0, of equal infinities no slope.
    """
    seconds = (windows.times - windows.now[:, np.newaxis]) / 1000
    middle = seconds.mean(axis=-1)
    x = seconds - middle[:, np.newaxis]
    mean = windows.values.mean(axis=-1)
    slope = (x * (windows.values - mean[..., np.newaxis])).sum(axis=-1) / (x * x).sum(axis=-1)
    first = windows.values[..., 0]
    constant = (windows.values == first[..., np.newaxis]).all(axis=-1)
    slope = np.where(constant, np.where(np.isinf(first), np.nan, 0.0), slope)
    return slope, np.where(constant, first, mean), middle


def _deriv(windows: Windows) -> Floats:
    return _line(windows)[0]


def _predict_linear(windows: Windows) -> Floats:
    slope, mean, middle = _line(windows)
    return mean + slope * (windows.params[0] - middle)


def _double_exponential_smoothing(windows: Windows) -> Floats:
    factors = windows.params[:2]
    for name, factor in zip(("smoothing", "trend"), factors, strict=True):
        if not ((factor > 0) & (factor < 1)).all():
            raise QueryError("execution", f"invalid {name} factor. Expected: 0 < factor < 1, got: {factor[0]:f}")
    smoothing, trending = factors
    values = windows.values
    before = values[..., 0]
    trend = values[..., 1] - before
    level = smoothing * values[..., 1] + (1 - smoothing) * (before + trend)
    for index in range(2, values.shape[-1]):
        windows.running.limit(0)
        trend = trending * (level - before) + (1 - trending) * trend
        before, level = level, smoothing * values[..., index] + (1 - smoothing) * (level + trend)
    return level


REGRESSIONS: Mapping[str, Kernel] = {
    "deriv": _deriv,
    "double_exponential_smoothing": _double_exponential_smoothing,
    "predict_linear": _predict_linear,
}
"""All need two samples in the window."""
