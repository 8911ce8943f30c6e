"""Sums that keep small addends beside large ones that cancel out, as Prometheus' compensated sums do."""

import math

import numpy as np

from sidecar.model.series import Floats

_SUSPICIOUS = 1e-6
"""A sum this much smaller than the sum of magnitudes has lost digits worth caring for."""


def stable_sum(values: Floats) -> Floats:
    """Return the sum along the last axis; exactly rounded where plain addition would lose digits."""
    with np.errstate(all="ignore"):
        total: Floats = np.asarray(np.add.reduce(values, axis=-1))
        magnitude = np.add.reduce(np.abs(values), axis=-1)
        # Infinite magnitudes: either an operand is not finite, or finite ones overflow on the way.
        doubtful = (np.abs(total) < magnitude * _SUSPICIOUS) | (np.isinf(magnitude) & ~np.isfinite(total))
    for place in zip(*np.nonzero(doubtful), strict=True):
        total[place] = exact_sum(values[place])
    return total


def stable_mean(values: Floats) -> Floats:
    """Return the mean along the last axis, finite where all values are, even if their sum is not."""
    count = values.shape[-1]
    mean = stable_sum(values) / count
    overflowed = ~np.isfinite(mean) & np.isfinite(values).all(axis=-1)
    if overflowed.any():
        mean[overflowed] = stable_sum(values[overflowed] / count)
    return mean


def exact_sum(values: Floats) -> float:
    """Return the correctly rounded sum; infinities and NaN as IEEE 754 adds them."""
    if not np.isfinite(values).all():
        with np.errstate(invalid="ignore"):
            return float(values[~np.isfinite(values)].sum())
    try:
        return math.fsum(values.tolist())
    except OverflowError:
        with np.errstate(over="ignore"):
            return float(values.sum())
