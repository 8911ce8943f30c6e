"""A slow and obvious evaluation of PromQL from its documentation: one series and one step at a time, plain Python."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Point = tuple[int, float]


def window(points: Sequence[Point], end_ms: int, range_ms: int) -> list[Point]:
    return [point for point in points if end_ms - range_ms < point[0] <= end_ms]


def extrapolated(points: Sequence[Point], end_ms: int, range_ms: int, *, counter: bool) -> float | None:
    if len(points) < 2:
        return None
    (first_ms, first), (last_ms, last) = points[0], points[-1]
    change = last - first
    if counter:
        for (_, before), (_, after) in itertools.pairwise(points):
            if after < before:
                change += before
    covered = (last_ms - first_ms) / 1000
    spacing = covered / (len(points) - 1)
    to_start = (first_ms - (end_ms - range_ms)) / 1000
    to_end = (end_ms - last_ms) / 1000
    if to_start >= spacing * 1.1:
        to_start = spacing / 2
    if counter and change > 0 and first >= 0:
        to_zero = covered * (first / change)
        if to_zero < to_start:
            to_start = to_zero
    if to_end >= spacing * 1.1:
        to_end = spacing / 2
    return change * (covered + to_start + to_end) / covered


def rate(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    change = extrapolated(points, end_ms, range_ms, counter=True)
    return None if change is None else change / (range_ms / 1000)


def increase(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    return extrapolated(points, end_ms, range_ms, counter=True)


def delta(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    return extrapolated(points, end_ms, range_ms, counter=False)


def irate(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    if len(points) < 2:
        return None
    (before_ms, before), (last_ms, last) = points[-2:]
    return (last if last < before else last - before) / ((last_ms - before_ms) / 1000)


def of_values(function: Callable[[list[float]], float]) -> Callable[[Sequence[Point], int, int], float | None]:
    def apply(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
        return function([value for _, value in points]) if points else None

    return apply


def extreme(values: list[float], pick: Callable[[list[float]], float]) -> float:
    numbers = [value for value in values if not math.isnan(value)]
    return pick(numbers) if numbers else math.nan


def total(values: list[float]) -> float:
    if all(math.isfinite(value) for value in values):
        return math.fsum(values)
    return sum(value for value in values if not math.isfinite(value))


def changes(values: list[float]) -> float:
    pairs = itertools.pairwise(values)
    return float(sum(1 for a, b in pairs if a != b and not (math.isnan(a) and math.isnan(b))))


def resets(values: list[float]) -> float:
    return float(sum(1 for a, b in itertools.pairwise(values) if b < a))


FUNCTIONS: dict[str, Callable[[Sequence[Point], int, int], float | None]] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "sum_over_time": of_values(total),
    "avg_over_time": of_values(lambda values: total(values) / len(values)),
    "min_over_time": of_values(lambda values: extreme(values, min)),
    "max_over_time": of_values(lambda values: extreme(values, max)),
    "count_over_time": of_values(lambda values: float(len(values))),
    "last_over_time": of_values(lambda values: values[-1]),
    "first_over_time": of_values(lambda values: values[0]),
    "present_over_time": of_values(lambda values: 1.0),
    "changes": of_values(changes),
    "resets": of_values(resets),
}


def latest(points: Sequence[Point], stale_ms: Sequence[int], time_ms: int, lookback_ms: int) -> float | None:
    """Return the newest sample in the lookback, unless the series ended after it."""
    inside = window(points, time_ms, lookback_ms)
    ended = [ms for ms in stale_ms if time_ms - lookback_ms < ms <= time_ms]
    if not inside or (ended and max(ended) > inside[-1][0]):
        return None
    return inside[-1][1]


def idelta(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    return points[-1][1] - points[-2][1] if len(points) > 1 else None


def stdvar(values: Sequence[float]) -> float:
    """Return the mean squared distance from the mean: of the population, not of a sample of it."""
    if not all(math.isfinite(value) for value in values):
        return math.nan
    mean = math.fsum(value / len(values) for value in values)
    return math.fsum((value - mean) * (value - mean) / len(values) for value in values)


def quantile(share: float, values: Sequence[float]) -> float:
    """Return the value at the rank share * (n - 1), between two neighbours on the line between them."""
    if not values or math.isnan(share):
        return math.nan
    if share < 0:
        return -math.inf
    if share > 1:
        return math.inf
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = share * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(lower + 1, len(ordered) - 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def line(points: Sequence[Point], zero_ms: int) -> tuple[float, float] | None:
    """Return slope per second and value at `zero_ms` of the line of least squares."""
    if len(points) < 2:
        return None
    values = [value for _, value in points]
    if all(value == values[0] for value in values):
        return (math.nan, math.nan) if math.isinf(values[0]) else (0.0, values[0])
    if not all(math.isfinite(value) for value in values):
        return math.nan, math.nan
    seconds = [Fraction(ms - zero_ms, 1000) for ms, _ in points]
    exact = [Fraction(value) for value in values]
    middle, mean = sum(seconds) / len(points), sum(exact) / len(points)
    slope = sum((x - middle) * (y - mean) for x, y in zip(seconds, exact, strict=True)) / sum(
        (x - middle) ** 2 for x in seconds
    )
    return float(slope), float(mean - slope * middle)


def deriv(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    found = line(points, end_ms)
    return None if found is None else found[0]


def predict_linear(points: Sequence[Point], end_ms: int, range_ms: int) -> float | None:
    """Return what `predict_linear(x[...], 60)` gives."""
    found = line(points, end_ms)
    return None if found is None else found[0] * 60 + found[1]


FUNCTIONS.update(
    {
        "idelta": idelta,
        "deriv": deriv,
        "predict_linear": predict_linear,
        "stdvar_over_time": of_values(stdvar),
        "stddev_over_time": of_values(lambda values: math.sqrt(stdvar(values))),
        "quantile_over_time": of_values(lambda values: quantile(0.3, values)),
    }
)

Labels = tuple[tuple[str, str], ...]
Vector = dict[Labels, float]
"""The samples of one moment."""


class ReferenceError(Exception):
    """The query has no answer."""


AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": total,
    "avg": lambda values: total([value / len(values) for value in values]),
    "min": lambda values: extreme(values, min),
    "max": lambda values: extreme(values, max),
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
    "stddev": lambda values: math.sqrt(stdvar(values)),
    "stdvar": stdvar,
    "quantile": lambda values: quantile(0.7, values),
}


def only(labels: Labels, names: Sequence[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def without(labels: Labels, names: Sequence[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in (*names, "__name__"))


def aggregated(op: str, vector: Vector, key: Callable[[Labels], Labels]) -> Vector:
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(key(labels), []).append(value)
    return {labels: AGGREGATIONS[op](values) for labels, values in groups.items()}


def ranked(vector: Vector, count: int, key: Callable[[Labels], Labels], *, largest: bool) -> dict[Labels, list[float]]:
    """Return the values that `topk` or `bottomk` chooses of each group; NaN is chosen last."""
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(key(labels), []).append(value)
    sign = -1 if largest else 1
    return {
        labels: sorted(values, key=lambda value: (math.isnan(value), value * sign))[:count]
        for labels, values in groups.items()
    }


def matched(left: Vector, right: Vector, key: Callable[[Labels], Labels], *, many: bool) -> list[tuple[Labels, Labels]]:
    """Return the pairs of series with the same key; `many` allows several on the left side.

    Where one side is empty nothing can match, and nothing is wrong with the other.
    """
    if not left or not right:
        return []
    ones: dict[Labels, Labels] = {}
    for labels in right:
        if key(labels) in ones:
            raise ReferenceError("several series on the side of one")
        ones[key(labels)] = labels
    pairs = [(labels, ones[key(labels)]) for labels in left if key(labels) in ones]
    if not many and len({one for _, one in pairs}) < len(pairs):
        raise ReferenceError("several series on the other side")
    return pairs


def subtracted(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    """Return `left - right`, one to one: the result has the labels of the key."""
    return {key(a): left[a] - right[b] for a, b in matched(left, right, key, many=False)}


def subtracted_from_many(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    """Return `left - right` with `group_left ()`: the result has the labels of the left side, without the name."""
    result: Vector = {}
    for a, b in matched(left, right, key, many=True):
        if without(a, ()) in result:
            raise ReferenceError("two results with the same labels")
        result[without(a, ())] = left[a] - right[b]
    return result


def both(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    keys = {key(labels) for labels in right}
    return {labels: value for labels, value in left.items() if key(labels) in keys}


def unless(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    keys = {key(labels) for labels in right}
    return {labels: value for labels, value in left.items() if key(labels) not in keys}


def either(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    return {**left, **unless(right, left, key)}


def histogram_quantile(share: float, vector: Vector) -> Vector:
    """Return the quantile of each classic histogram, observations evenly spread within a bucket."""
    histograms: dict[Labels, dict[float, float]] = {}
    for labels, count in vector.items():
        buckets = histograms.setdefault(without(labels, ("le",)), {})
        bound = float(dict(labels)["le"])
        buckets[bound] = buckets.get(bound, 0.0) + count
    return {labels: bucket_quantile(share, sorted(buckets.items())) for labels, buckets in histograms.items()}


def bucket_quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """Return the quantile of one histogram: (upper bound, observations up to it), ascending."""
    if math.isnan(share):
        return math.nan
    if share < 0:
        return -math.inf
    if share > 1:
        return math.inf
    if buckets[-1][0] != math.inf or len(buckets) < 2:
        return math.nan
    counts = list(itertools.accumulate((count for _, count in buckets), max))
    if counts[-1] == 0:
        return math.nan
    rank = share * counts[-1]
    index = next(i for i, count in enumerate(counts) if count >= rank)
    if index == len(buckets) - 1:
        return buckets[-2][0]
    bound = buckets[index][0]
    if index == 0 and bound <= 0:
        return bound
    start, below = (buckets[index - 1][0], counts[index - 1]) if index else (0.0, 0.0)
    return start + (bound - start) * (rank - below) / (counts[index] - below) if counts[index] > below else math.nan
