"""Sums that keep small addends beside large ones that cancel out, as Prometheus' compensated sums do."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from sidecar.model.series import Floats

_SUSPICIOUS = 1e-6
"""A sum this much smaller than the sum of magnitudes has lost digits worth caring for."""

_AT_ONCE = 1 << 16


def stable_sum(values: Floats) -> Floats:
    """Return the sum along the last axis; compensated where plain addition loses digits."""
    total = np.asarray(np.add.reduce(values, axis=-1), np.float64)
    magnitude = np.add.reduce(np.abs(values), axis=-1)
    doubtful = (np.abs(total) < magnitude * _SUSPICIOUS) | (np.isinf(magnitude) & ~np.isfinite(total))
    for place in zip(*np.nonzero(doubtful), strict=True):
        total[place] = compensated_sum(values[place])
    return total


def stable_mean(values: Floats) -> Floats:
    """Return the mean along the last axis, finite where all values are, even if their sum is not."""
    count = values.shape[-1]
    mean: Floats = stable_sum(values) / count
    overflowed = ~np.isfinite(mean) & np.isfinite(values).all(axis=-1)
    if overflowed.any():
        mean[overflowed] = stable_sum(values[overflowed] / count)
    return mean


def compensated_sum(values: Floats) -> float:
    """Return the sum, with what each addition loses added at the end: Neumaier's algorithm, as Prometheus sums.

    An exactly rounded sum would be better, and different.
    """
    total = lost = 0.0
    for value in itertools.chain.from_iterable(part.tolist() for part in _parts(values)):
        following = total + value
        if math.isinf(following):
            lost = 0.0
        elif abs(total) >= abs(value):
            lost += (total - following) + value
        else:
            lost += (value - following) + total
        total = following
    return total + lost


def _parts(values: Floats) -> Iterator[Floats]:
    """Yield `values` in pieces: a list of all of them would be long in the making, and nothing else would run."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
