"""A slow and obvious evaluation of range functions: one series, one window, plain Python."""

import itertools
import math
from collections.abc import Callable, Sequence

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
