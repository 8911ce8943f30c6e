"""Compares answers with what a script or a recording expects."""

import math
from collections.abc import Mapping

import promql_parser

from sidecar.model.labels import Labels
from sidecar.promql.result import Matrix, Result, Scalar, String, Vector
from tests.conformance.promql.notation import parse_series, parse_values
from tests.conformance.promql.script import Case

TOLERANCE = 1e-6

Points = Mapping[int, float]


def almost_equal(want: float, got: float) -> bool:
    """Equal within the relative tolerance; exactly for zero; NaN equals NaN."""
    if math.isnan(want) or math.isnan(got):
        return math.isnan(want) and math.isnan(got)
    if want == got:
        return True
    if want == 0 or got == 0 or math.isinf(want) or math.isinf(got):
        return False
    return abs(want - got) / min(abs(want) + abs(got), 1.7e308) < TOLERANCE


def points_of(result: Result) -> dict[Labels, Points]:
    """Return the samples of any answer by labels and time; a scalar has no labels."""
    if isinstance(result, Matrix):
        return {s.labels: dict(zip(s.times.tolist(), s.values.tolist(), strict=True)) for s in result.series}
    if isinstance(result, Vector):
        return {sample.labels: {result.time_ms: sample.value} for sample in result.samples}
    assert isinstance(result, Scalar)
    return {(): {result.time_ms: result.value}}


def difference(want: Mapping[Labels, Points], got: Mapping[Labels, Points]) -> str:
    """Return what differs first, or an empty text."""
    if missing := set(want) - set(got):
        return f"missing {min(missing)}, got {sorted(got)[:3]}"
    if extra := set(got) - set(want):
        return f"unexpected {min(extra)} {list(got[min(extra)].items())[:3]}"
    for labels, points in want.items():
        for time in sorted({*points, *got[labels]}):
            if time not in points or time not in got[labels]:
                return f"{labels} at {time}: want {points.get(time)}, got {got[labels].get(time)}"
            if not almost_equal(points[time], got[labels][time]):
                return f"{labels} at {time}: want {points[time]}, got {got[labels][time]}"
    return ""


def expected_points(case: Case) -> dict[Labels, Points]:
    """Return what the lines of `case` say; a line is a series and its values at the steps."""
    start, end, step = case.matrix or (case.start_ms, case.end_ms, case.step_ms)
    times = list(range(start, end + 1, step)) if step else [start]
    expected: dict[Labels, Points] = {}
    for line in case.lines:
        labels, rest = ((), line) if _is_number(line) else parse_series(line)
        values = parse_values(rest)
        expected[labels] = {time: value for time, value in zip(times, values, strict=False) if value is not None}
    return {labels: points for labels, points in expected.items() if points}


def check(case: Case, result: Result) -> str:
    """Return how `result` differs from what `case` expects, or an empty text."""
    if case.string is not None:
        want = promql_parser.parse(case.string).val  # type: ignore[attr-defined]
        return "" if isinstance(result, String) and result.value == want else f"want {want!r}, got {result}"
    if isinstance(result, String):
        return f"unexpected {result}"
    if isinstance(result, Matrix) and [s.labels for s in result.series] != sorted(s.labels for s in result.series):
        return "the series are not sorted by their labels"
    want = expected_points(case)
    found = difference(want, points_of(result))
    if not found and case.ordered and isinstance(result, Vector):
        order = [sample.labels for sample in result.samples]
        return "" if order == list(want) else f"order {order}"
    return found


def _is_number(line: str) -> bool:
    try:
        float(line)
    except ValueError:
        return False
    return True
