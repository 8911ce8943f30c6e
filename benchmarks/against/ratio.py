"""How much slower new is than old: the median of ratios of pairs, with its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, inf
from statistics import median

from benchmarks.against.figures import Figure

CONFIDENCE = 0.95
TOLERATED = 1.03
FEWEST_PAIRS = 6
"""Below, not even the lowest and the highest ratio hold the median between them with 95 %."""


@dataclass(frozen=True)
class Ratio:
    """What new costs in terms of old, above 1 where it is worse: the median, and between what it lies."""

    name: str
    median: float
    low: float
    high: float

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing got worse that could be told from chance: tolerably little, or with 1 in the interval."""
        return self.median <= TOLERATED or self.low <= 1 <= self.high


def ratio_of(name: str, old: Sequence[Figure], new: Sequence[Figure]) -> Ratio:
    """Return the ratio of a figure measured in pairs, the first of `old` beside the first of `new` and so on."""
    ratios = sorted(cost(before, after) for before, after in zip(old, new, strict=True))
    rank = interval_rank(len(ratios))
    return Ratio(name, median(ratios), ratios[rank - 1], ratios[-rank])


def cost(old: Figure, new: Figure) -> float:
    """Return new / old, or old / new where higher is better; 1 of two that are 0."""
    before, after = (new.value, old.value) if new.higher_is_better else (old.value, new.value)
    if before == after:
        return 1.0
    return after / before if before else inf


def interval_rank(count: int) -> int:
    """Return r such that the r-th lowest and the r-th highest of `count` values hold the median with 95 % at least.

    It is the interval between order statistics, which assumes nothing about how the values are spread: the median lies
    outside with the probability that fewer than r of `count` tosses of a coin are heads, twice. Of 10 values it is
    the second lowest to the second highest, with 97.9 %. After W. J. Conover, Practical Nonparametric Statistics,
    section 3.2, "confidence interval for a quantile". Raises ValueError if there are too few values for any.
    """
    if count < FEWEST_PAIRS:
        raise ValueError(f"{count} pairs are too few for an interval: {FEWEST_PAIRS} or more are needed")
    outside, rank = 2 / 2**count, 1
    while outside + 2 * comb(count, rank) / 2**count <= 1 - CONFIDENCE:
        outside += 2 * comb(count, rank) / 2**count
        rank += 1
    return rank
