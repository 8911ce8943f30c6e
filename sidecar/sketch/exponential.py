"""Exponential histograms at OpenTelemetry's scale 5, many at once, in sparse columns.

Bucket `i` holds the values in (2**((i-1)/32), 2**(i/32)], so a bucket's geometric middle is within 1.09 % of each of
its values. The bounds are fixed: histograms merge exactly, by adding counts. A set of histograms is two columns sorted
by code (row, then bucket), so merging sets and reading quantiles of all rows are a few numpy calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PER_OCTAVE = 32
RELATIVE_ERROR = 2 ** (1 / (2 * PER_OCTAVE)) - 1
"""The largest relative error of a quantile, against the nearest-rank quantile of the values themselves."""
MOST_CODES = 1 << 16
"""Counts of a set that is kept, 1 MB: what some 200 rows have whose values spread over eight octaves."""

_OFFSET = 2048  # bucket -2047 is the lowest: 2**-64 s; nanoseconds in 64 bits need -957 to 1092
_WIDTH = 4096
_ZERO = 0
_UPPER_MANTISSAS = np.exp2(np.arange(-PER_OCTAVE, 1) / PER_OCTAVE)

Codes = NDArray[np.int64]


def bucket_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bucket index `ceil(log2(value) * 32)` of each value above zero.

    The exponent comes from the float itself and the mantissa from a table, so exact powers of two are where they
    belong, which `log(v) * factor` gets wrong.
    """
    mantissas, exponents = np.frexp(values)
    fractions = _UPPER_MANTISSAS.searchsorted(mantissas, side="left") - PER_OCTAVE
    return exponents.astype(np.int64) * PER_OCTAVE + fractions


@dataclass(frozen=True, slots=True)
class HistogramSet:
    """Counts by row and bucket; `codes` is sorted and free of repetitions.

    Counts are floats, because a value may stand for more than itself; whole numbers add up exactly to 2**53.
    """

    codes: Codes
    counts: NDArray[np.float64]

    @staticmethod
    def of(rows: Codes, values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> "HistogramSet":
        """Return the histograms of `values`, each belonging to the row beside it; below zero counts as zero.

        Each value counts as often as its weight says, once without.
        """
        if not len(values):
            return EMPTY
        positive = values > 0
        # a third of the time of np.clip and np.unique, which is what a small batch of spans costs
        buckets = np.minimum(np.maximum(bucket_of(np.where(positive, values, 1.0)) + _OFFSET, 1), _WIDTH - 1)
        codes = rows * _WIDTH + np.where(positive, buckets, _ZERO)
        if weights is None:
            codes.sort()
            return _added(codes, np.ones(len(codes)))
        order = codes.argsort(kind="stable")
        return _added(codes[order], weights[order])

    def quantiles(self, ratios: Sequence[float]) -> tuple[Codes, NDArray[np.float64]]:
        """Return the rows that have values and, for each row, its quantiles (nearest rank) at `ratios` (0 to 1)."""
        if not len(self.codes):
            return np.empty(0, np.int64), np.empty((0, len(ratios)))
        rows, starts = np.unique(self.codes // _WIDTH, return_index=True)
        before = np.concatenate(([0.0], np.cumsum(self.counts)))
        ends = np.append(starts[1:], len(self.codes))
        ranks = np.maximum(np.outer(before[ends] - before[starts], ratios), np.finfo(np.float64).tiny)
        found = np.searchsorted(before[1:], before[starts][:, None] + ranks, side="left")
        # sums of fractions are not exact: a rank must not end up in another row
        found = np.clip(found, starts[:, None], ends[:, None] - 1)
        return rows, _middle_of(self.codes[found] % _WIDTH)

    def limited(self, most: int = MOST_CODES) -> "HistogramSet":
        """Return the same with at most `most` counts: neighbouring buckets become one until there are so few.

        In buckets n times as wide, a quantile is at most n * 2.2 % too high.
        """
        result, step = self, 1
        while len(result.codes) > most and step < _WIDTH:
            step *= 2
            places = self.codes % _WIDTH
            wider = np.minimum(-(-places // step) * step, _WIDTH - 1)
            result = _added(self.codes - places + wider, self.counts)
        return result

    def memory_bytes(self) -> int:
        """Return the size of the columns."""
        return int(self.codes.nbytes + self.counts.nbytes)


EMPTY = HistogramSet(np.empty(0, np.int64), np.empty(0))


def merge(sets: Sequence[HistogramSet]) -> HistogramSet:
    """Return the sum of `sets`: exactly the histograms of all their values."""
    sets = [item for item in sets if len(item.codes)]
    if len(sets) < 2:
        return sets[0] if sets else EMPTY
    codes = np.concatenate([item.codes for item in sets])
    order = np.argsort(codes, kind="stable")  # the parts are sorted runs, which a merge sort finds
    return _added(codes[order], np.concatenate([item.counts for item in sets])[order])


def _added(codes: Codes, counts: NDArray[np.float64]) -> HistogramSet:
    """Return `counts` by `codes`, which are sorted and some: equal ones are one, and theirs the sum."""
    is_first = np.empty(len(codes), np.bool_)
    is_first[0] = True
    np.not_equal(codes[1:], codes[:-1], out=is_first[1:])
    first = is_first.nonzero()[0]
    return HistogramSet(codes[first], np.add.reduceat(counts, first))


def _middle_of(places: Codes) -> NDArray[np.float64]:
    middles = np.exp2((places - _OFFSET - 0.5) / PER_OCTAVE)
    return np.where(places == _ZERO, 0.0, middles)
