"""The buckets that exponential histograms get in the text format, which has fixed ones only."""

from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate
from math import ceil, floor, inf, ldexp, log2
from typing import NamedTuple

from sidecar.metrics.points import Exponential

FINEST_SCALE = 3
"""Eight buckets from one power of two to the next; a quantile is within 9 % then."""
_COARSEST_SCALE = -10
_GRID_OCTAVES = 4
"""The range is made wider up to powers of 16, so that it seldom changes and is mostly the same in other processes."""
_LOWEST, _HIGHEST = -1074, 1023
"""Exponents of the powers of two that a float can be."""


class Octaves(NamedTuple):
    """A range of values as exponents of two."""

    low: float
    high: float

    def wider(self, low: float, high: float) -> "Octaves":
        """Return the range with another one in it."""
        return Octaves(min(self.low, low), max(self.high, high))


NOTHING = Octaves(inf, -inf)


class Indexes(NamedTuple):
    """The bounds from `first` to `last`, both included, as indexes of a scale; none if `last` is the lesser."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many there are."""
        return max(self.last - self.first + 1, 0)


NO_BOUNDS = Indexes(0, -1)


class Fit(NamedTuple):
    """The bounds at one scale."""

    scale: int
    positive: Indexes
    negative: Indexes


class Layout:
    """Bounds that all exponential histograms of a family have in common, so that buckets may be added up over series.

    `bounds` are powers of 2**(2**-scale), those of negative values and zero before them if there are any. They change
    when a value comes that does not fit: the range only grows, and the scale only falls, by which every second bound
    stays. There are never more than `most` (at least 10).
    """

    def __init__(self, most: int) -> None:
        self.bounds: tuple[float, ...] = ()
        self.most = most
        self._positive = self._negative = NOTHING
        self._has_zero = False
        self._fit = Fit(FINEST_SCALE, NO_BOUNDS, NO_BOUNDS)

    @property
    def scale(self) -> int:
        """OTLP's scale: from one power of two to the next there are 2**scale bounds."""
        return self._fit.scale

    def include(self, value: Exponential) -> None:
        """Make room for `value`."""
        before = self._positive, self._negative, self._has_zero
        width = 2.0**-value.scale
        self._positive = _with(self._positive, value.positive, width)
        self._negative = _with(self._negative, value.negative, width)
        if value.zeros and value.zero_threshold:
            threshold = log2(value.zero_threshold)
            self._positive = self._positive.wider(threshold, threshold)
        self._has_zero |= bool(value.negative or (value.zeros and not value.zero_threshold))
        if value.scale < self.scale or before != (self._positive, self._negative, self._has_zero):
            self._arrange(min(value.scale, self.scale))

    def cumulated(self, value: Exponential) -> list[int]:
        """Return how many values are at most each of `bounds`, and how many there are, for an included `value`."""
        scale, positive, negative = self._fit
        counts = [0] * (len(self.bounds) + 1)
        zero = negative.size
        above = zero + self._has_zero
        for index, count in coarser(value.positive, value.scale - scale).items():
            counts[above + _within(index + 1 - positive.first, positive.size)] += count
        for index, count in coarser(value.negative, value.scale - scale).items():
            counts[_within(negative.last - index, negative.size)] += count
        if value.zeros and value.zero_threshold:
            zero = above + _within(ceil(log2(value.zero_threshold) * 2.0**scale) - positive.first, positive.size)
        counts[zero] += value.zeros
        return list(accumulate(counts))

    def _arrange(self, finest: int) -> None:
        scale, positive, negative = self._fit = next(fit for fit in self._fits(finest) if self._has_few_bounds(fit))
        below = [-_bound(index, scale) for index in range(negative.last, negative.first - 1, -1)]
        above = [_bound(index, scale) for index in range(positive.first, positive.last + 1)]
        self.bounds = (*below, *([0.0] if self._has_zero else []), *above)

    def _fits(self, finest: int) -> Iterator[Fit]:
        for scale in range(finest, _COARSEST_SCALE - 1, -1):
            yield Fit(scale, _indexes(self._positive, scale), _indexes(self._negative, scale))

    def _has_few_bounds(self, fit: Fit) -> bool:
        return fit.positive.size + fit.negative.size + self._has_zero <= self.most


def _within(position: int, last: int) -> int:
    return min(max(position, 0), last)


def coarser(counts: Mapping[int, int], by: int) -> Mapping[int, int]:
    """Return `counts` at a scale that is less by `by`: exactly the same values in wider buckets."""
    if by == 0:
        return counts
    merged: dict[int, int] = {}
    for index, count in counts.items():
        merged[index >> by] = merged.get(index >> by, 0) + count
    return merged


def _with(octaves: Octaves, indexes: Collection[int], width: float) -> Octaves:
    return octaves.wider(min(indexes) * width, (max(indexes) + 1) * width) if indexes else octaves


def _indexes(octaves: Octaves, scale: int) -> Indexes:
    if octaves == NOTHING:
        return NO_BOUNDS
    per_octave = 2.0**scale
    grid = max(int(_GRID_OCTAVES * per_octave), 1)
    first = floor(octaves.low * per_octave / grid) * grid
    last = ceil(octaves.high * per_octave / grid) * grid
    return Indexes(max(first, ceil(_LOWEST * per_octave)), min(last, floor(_HIGHEST * per_octave)))


def _bound(index: int, scale: int) -> float:
    """Return the lower end of bucket `index`; the same float for the same bound at every scale."""
    if scale <= 0:
        return ldexp(1.0, index << -scale)
    octave, part = divmod(index, 1 << scale)
    return ldexp(2.0 ** (part / (1 << scale)), octave)
