"""Data points as values: what they say, or nothing if it contradicts itself."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import inf, isfinite
from typing import Any, NamedTuple, TypeAlias

from sidecar.model.metric import (
    ExponentialMessage,
    HistogramMessage,
    MetricKind,
    NumberMessage,
    PointMessage,
    SummaryMessage,
)

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


class Malformed(NamedTuple):
    """What is wrong with a data point, in words that go on after the metric's name."""

    problem: str


_TOO_MANY = Malformed(f"has more than {MOST_BUCKETS} buckets or quantiles")


def read(kind: MetricKind, point: PointMessage) -> Value | Malformed:
    """Return what `point` says, or what is wrong with it."""
    return _READ[kind](point)


def level_of(value: Value) -> float:
    """Return what only rises as long as a sender goes on: a counter's value, else how many values there were."""
    if isinstance(value, float):
        return value
    if isinstance(value, Histogram):
        return sum(value.counts)
    if isinstance(value, Exponential):
        return sum(value.positive.values()) + sum(value.negative.values()) + value.zeros
    return value.total


def can_add_up(value: Value) -> bool:
    """Return whether a delta of `value` leaves a total that later ones may be added to."""
    if isinstance(value, float):
        return 0 <= value < inf
    return isinstance(value, Summary) or value.sum is None or isfinite(value.sum)


def _number(point: NumberMessage) -> float | Malformed:
    name = point.WhichOneof("value")
    return float(getattr(point, name)) if name else Malformed("has a data point without a value")


def _histogram(point: HistogramMessage) -> Histogram | Malformed:
    counts = list(point.bucket_counts) or [point.count]
    bounds = list(point.explicit_bounds) if point.bucket_counts else []
    if len(counts) > MOST_BUCKETS:
        return _TOO_MANY
    if bounds and bounds[-1] == inf and 0 <= len(counts) - len(bounds) <= 1:
        bounds.pop()  # every histogram has this bound, and some senders say so
        counts[len(bounds) :] = [sum(counts[len(bounds) :])]
    if bounds and bounds[0] == -inf and len(counts) == len(bounds) + 1:
        bounds.pop(0)
        counts[:2] = [sum(counts[:2])]
    if len(counts) != len(bounds) + 1:
        return Malformed(f"has {len(counts)} buckets for {len(bounds)} bounds, where there is one more than bounds")
    if not all(map(isfinite, bounds)):
        return Malformed("has a bucket whose bound is not a number")
    if any(low >= high for low, high in pairwise(bounds)):
        return Malformed("has buckets whose bounds do not rise from one to the next")
    return Histogram(tuple(bounds), counts, _sum(point))


def _exponential(point: ExponentialMessage) -> Exponential | Malformed:
    sides = [point.positive, point.negative]
    threshold = point.zero_threshold
    if point.scale not in _SCALES:
        return Malformed(f"has the scale {point.scale}, which is not from {_SCALES[0]} to {_SCALES[-1]}")
    if not 0 <= threshold < inf:
        return Malformed("has a zero threshold that cannot be")
    if any(len(side.bucket_counts) > MOST_BUCKETS for side in sides):
        return _TOO_MANY
    positive, negative = (
        {index: count for index, count in enumerate(side.bucket_counts, side.offset) if count} for side in sides
    )
    ends = [end for side in (positive, negative) if side for end in (min(side), max(side))]
    if not all(LOWEST_OCTAVE <= end * 2.0**-point.scale < HIGHEST_OCTAVE for end in ends):
        return Malformed("has buckets of values that no number can have")
    if point.count and not (positive or negative or point.zero_count):
        return Malformed(f"counts {point.count} values and has no buckets that say which")
    return Exponential(point.scale, positive, negative, point.zero_count, threshold, _sum(point))


def _summary(point: SummaryMessage) -> Summary | Malformed:
    if len(point.quantile_values) > MOST_BUCKETS:
        return _TOO_MANY
    quantiles = {item.quantile: item.value for item in point.quantile_values}
    if not all(0 <= quantile <= 1 for quantile in quantiles):
        return Malformed("has a quantile that is not from 0 to 1")
    if len(quantiles) < len(point.quantile_values):
        return Malformed("has a quantile twice")
    return Summary(dict(sorted(quantiles.items())), point.sum, point.count)


def _sum(point: HistogramMessage | ExponentialMessage) -> float | None:
    return point.sum if point.HasField("sum") else None


_READ: Mapping[MetricKind, Callable[[Any], Value | Malformed]] = {
    MetricKind.GAUGE: _number,
    MetricKind.SUM: _number,
    MetricKind.HISTOGRAM: _histogram,
    MetricKind.EXPONENTIAL_HISTOGRAM: _exponential,
    MetricKind.SUMMARY: _summary,
}
