"""Functions of counters and gauges over a window that look at how much it changed."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.series import Floats
from sidecar.promql.windows import Kernel, Windows


def rate(windows: Windows) -> Floats:
    """Return the increase per second, extrapolated to the whole window."""
    return increase(windows) / (windows.range_ms / 1000)


def increase(windows: Windows) -> Floats:
    """Return how much a counter grew, extrapolated to the whole window; a decrease is a reset to zero."""
    values = windows.values
    growth = values[..., -1] - values[..., 0]
    before, after = values[..., :-1], values[..., 1:]
    resets = after < before
    for index in np.flatnonzero(resets.any(axis=(0, 1))).tolist():  # one after the other, as Prometheus adds them
        growth = growth + np.where(resets[..., index], before[..., index], 0.0)
    return growth * _extrapolation(windows, _seconds_above_zero(windows, growth))


def delta(windows: Windows) -> Floats:
    """Return the difference of the last and the first sample of a gauge, extrapolated to the whole window."""
    values = windows.values
    return (values[..., -1] - values[..., 0]) * _extrapolation(windows, None)


def irate(windows: Windows) -> Floats:
    """Return the increase per second between the last two samples of a counter."""
    last, previous = windows.values[..., -1], windows.values[..., -2]
    growth = np.where(last < previous, last, last - previous)
    return growth / ((windows.times[:, -1] - windows.times[:, -2]) / 1000)


def idelta(windows: Windows) -> Floats:
    """Return the difference of the last two samples."""
    return windows.values[..., -1] - windows.values[..., -2]


def _seconds_above_zero(windows: Windows, growth: Floats) -> Floats:
    """Return how long before the first sample the counter was at zero, had it always grown at this pace."""
    first = windows.values[..., 0]
    covered = (windows.times[:, -1] - windows.times[:, 0]) / 1000
    return np.where((growth > 0) & (first >= 0), covered * (first / growth), np.inf)


def _extrapolation(windows: Windows, seconds_above_zero: Floats | None) -> Floats:
    """Return the factor from the covered time to the time the change is claimed for.

    The samples stand for the whole window where they begin and end within 1.1 average spacings of its edges;
    otherwise for half a spacing beyond the outer sample. A counter never reaches back beyond its zero.
    """
    times = windows.times
    covered = (times[:, -1] - times[:, 0]) / 1000
    spacing = covered / (times.shape[1] - 1)
    to_start = (times[:, 0] - (windows.ends - windows.range_ms)) / 1000
    to_end = (windows.ends - times[:, -1]) / 1000
    to_start = np.where(to_start >= spacing * 1.1, spacing / 2, to_start)
    to_end = np.where(to_end >= spacing * 1.1, spacing / 2, to_end)
    if seconds_above_zero is not None:
        to_start = np.fmin(to_start, seconds_above_zero)
    return (covered + to_start + to_end) / covered


RATES: Mapping[str, Kernel] = {"rate": rate, "increase": increase, "delta": delta, "irate": irate, "idelta": idelta}
"""All need two samples in the window."""
