"""The vectorised evaluation agrees with a slow and obvious one, whatever the gaps, resets, NaN and infinities."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix, Vector
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.reference.promql import FUNCTIONS, Point, latest, window

FAMILY = Family("x", MetricType.GAUGE, "A number.")

VALUES = st.one_of(
    st.integers(0, 5).map(float),
    st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300]),
)


@dataclass
class Data:
    """What was sent to a head: a matrix of values, None where a series was missing from a batch."""

    times: list[int]
    rows: list[list[float | None]]
    head: Head

    def points(self, row: int) -> list[Point]:
        cells = zip(self.times, self.rows[row], strict=True)
        return [(time, value) for time, value in cells if value is not None]

    def stale(self, row: int) -> list[int]:
        cells = self.rows[row]
        return [self.times[i] for i in range(1, len(cells)) if cells[i] is None and cells[i - 1] is not None]


@st.composite
def data(draw: st.DrawFn) -> Data:
    steps = draw(st.lists(st.integers(500, 40_000), min_size=1, max_size=14))
    times = [sum(steps[: i + 1]) for i in range(len(steps))]
    cell = st.one_of(VALUES, VALUES, VALUES, st.none())
    row = st.lists(cell, min_size=len(times), max_size=len(times))
    rows = draw(st.lists(row, min_size=1, max_size=5))
    head = Head(HeadConfig())
    for column, time in enumerate(times):
        cells = [(index, values[column]) for index, values in enumerate(rows)]
        samples = [Sample("x", labels_of({"i": str(index)}), value) for index, value in cells if value is not None]
        head.accept(SampleBatch("app", time, (), [FamilySamples(FAMILY, samples)]))
    return Data(times, rows, head)


def same(want: float | None, got: float | None) -> bool:
    if want is None or got is None:
        return want is got
    if math.isnan(want) or math.isnan(got):
        return math.isnan(want) and math.isnan(got)
    return math.isclose(want, got, rel_tol=1e-9, abs_tol=1e-9)


def by_series(answer: Matrix) -> dict[tuple[str, int], float]:
    found = {}
    for series in answer.series:
        for time, value in zip(series.times.tolist(), series.values.tolist(), strict=True):
            found[dict(series.labels)["i"], time] = value
    return found


ARGUMENTS = {"quantile_over_time": ("0.3, ", ""), "predict_linear": ("", ", 60")}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
@settings(max_examples=25, deadline=None)
@given(data=data(), start=st.integers(0, 300_000), step=st.integers(1000, 60_000), seconds=st.integers(1, 400))
def test_a_range_function_agrees_with_its_definition(
    function: str, data: Data, start: int, step: int, seconds: int
) -> None:
    end = start + 5 * step
    before, after = ARGUMENTS.get(function, ("", ""))
    answer = evaluate_range(parse(f"{function}({before}x[{seconds}s]{after})"), data.head, start, end, step)
    got = by_series(answer)
    for row in range(len(data.rows)):
        for time in range(start, end + 1, step):
            inside = window(data.points(row), time, seconds * 1000)
            want = FUNCTIONS[function](inside, time, seconds * 1000)
            assert same(want, got.get((str(row), time))), (row, time, inside)


@settings(max_examples=100, deadline=None)
@given(data=data(), start=st.integers(0, 400_000), step=st.integers(1000, 60_000))
def test_an_instant_selector_agrees_with_its_definition(data: Data, start: int, step: int) -> None:
    end = start + 5 * step
    got = by_series(evaluate_range(parse("x"), data.head, start, end, step))
    for row in range(len(data.rows)):
        for time in range(start, end + 1, step):
            want = latest(data.points(row), data.stale(row), time, 300_000)
            assert same(want, got.get((str(row), time))), (row, time)


QUERIES = (
    "x",
    "rate(x[1m])",
    "sum(x)",
    "avg by (i)(x)",
    "min(x) + max(x)",
    "count(x > 2)",
    "stddev(x)",
    "quantile(0.4, x)",
    "topk(1, x)",
    "x and x offset 30s",
    "x unless x > 1",
    "x or x offset 1m",
    "x / x offset 10s",
    "x - on (i) group_left () x offset 20s",
    "max_over_time(sum(x)[2m:20s])",
    "absent(x > 3)",
    "clamp_max(x, 2) ^ 2",
    'count_values("v", x)',
)


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=10, deadline=None)
@given(data=data(), start=st.integers(0, 300_000))
def test_a_range_query_is_instant_queries_side_by_side(query: str, data: Data, start: int) -> None:
    step, expr = 17_000, parse(query)
    times = range(start, start + 5 * step + 1, step)
    together = {
        (series.labels, time): value
        for series in evaluate_range(expr, data.head, start, times[-1], step).series
        for time, value in zip(series.times.tolist(), series.values.tolist(), strict=True)
    }
    alone = {}
    for time in times:
        answer = evaluate_instant(expr, data.head, time)
        assert isinstance(answer, Vector)
        alone.update({(sample.labels, time): sample.value for sample in answer.samples})
    if "topk" in query:
        assert {time for _, time in together} == {time for _, time in alone}
        return
    assert together.keys() == alone.keys()
    assert all(same(alone[key], together[key]) for key in alone)
