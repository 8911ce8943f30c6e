"""Data points as values: what they say, or nothing if it contradicts itself."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import isfinite
from typing import NamedTuple, TypeAlias

from sidecar.model.metric import AnyPoint, MetricKind

NO_RECORDED_VALUE = 1
"""The flag of a data point that says: the series ends here."""

MOST_BUCKETS = 2_000
"""Buckets and quantiles of a point; SDKs have 160 at most, and exponents of two are 2,098."""
LOWEST_OCTAVE, HIGHEST_OCTAVE = -1075, 1024
"""Powers of two between which all floats are."""
_SCALES = range(-10, 21)


class Histogram(NamedTuple):
    """Counts of buckets, each for itself, of which there is one more than bounds, which rise; `sum` may be unknown."""

    bounds: tuple[float, ...]
    counts: list[int]
    sum: float | None


class Exponential(NamedTuple):
    """Counts by index: bucket i holds the values in (b**i, b**(i+1)] with b = 2**(2**-scale), or their negatives.

    `zeros` values are as near to zero as `zero_threshold`, inclusively.
    """

    scale: int
    positive: Mapping[int, int]
    negative: Mapping[int, int]
    zeros: int
    zero_threshold: float
    sum: float | None


class Summary(NamedTuple):
    """Values by quantile, in rising order of quantiles (0 to 1)."""

    quantiles: Mapping[float, float]
    sum: float
    total: int


Value: TypeAlias = float | Histogram | Exponential | Summary


def read(kind: MetricKind, point: AnyPoint) -> Value | None:
    """Return what `point` says; None if it contradicts itself."""
    return _READ[kind](point)


def _number(point: AnyPoint) -> float | None:
    name = point.WhichOneof("value")
    return float(getattr(point, name)) if name else None


def _histogram(point: AnyPoint) -> Histogram | None:
    counts = list(point.bucket_counts) or [point.count]
    bounds = tuple(point.explicit_bounds) if point.bucket_counts else ()
    rise = all(low < high for low, high in pairwise(bounds)) and all(map(isfinite, bounds))
    if len(counts) != len(bounds) + 1 or len(counts) > MOST_BUCKETS or not rise:
        return None
    return Histogram(bounds, counts, _sum(point))


def _exponential(point: AnyPoint) -> Exponential | None:
    sides = [point.positive, point.negative]
    threshold = point.zero_threshold
    if point.scale not in _SCALES or not 0 <= threshold < float("inf"):
        return None
    if any(len(side.bucket_counts) > MOST_BUCKETS for side in sides):
        return None
    positive, negative = (
        {index: count for index, count in enumerate(side.bucket_counts, side.offset) if count} for side in sides
    )
    ends = [end for side in (positive, negative) if side for end in (min(side), max(side))]
    if not all(LOWEST_OCTAVE <= end * 2.0**-point.scale < HIGHEST_OCTAVE for end in ends):
        return None
    return Exponential(point.scale, positive, negative, point.zero_count, threshold, _sum(point))


def _summary(point: AnyPoint) -> Summary | None:
    if len(point.quantile_values) > MOST_BUCKETS:
        return None
    quantiles = {item.quantile: item.value for item in point.quantile_values}
    if not all(0 <= quantile <= 1 for quantile in quantiles):
        return None
    return Summary(dict(sorted(quantiles.items())), point.sum, point.count)


def _sum(point: AnyPoint) -> float | None:
    return float(point.sum) if point.HasField("sum") else None


_READ: Mapping[MetricKind, Callable[[AnyPoint], Value | None]] = {
    MetricKind.GAUGE: _number,
    MetricKind.SUM: _number,
    MetricKind.HISTOGRAM: _histogram,
    MetricKind.EXPONENTIAL_HISTOGRAM: _exponential,
    MetricKind.SUMMARY: _summary,
}
