"""Aggregations, matching and histograms agree with slow and obvious ones, whatever comes, goes or is no number."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.errors import QueryError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.evaluate import evaluate_range
from sidecar.promql.parse import parse
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.reference import promql as reference
from tests.reference.promql import Labels, Point, Vector

FAMILY = Family("x", MetricType.GAUGE, "A number.")
LOOKBACK_MS = 300_000
KEYS = [(name, i, g) for name in ("x", "y") for i in "abc" for g in "12"]
NUMBERS = st.one_of(
    st.integers(-3, 5).map(float),
    st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300]),
)
BOUNDS = ("0.1", "0.5", "1", "1.0", "5", "+Inf")


@dataclass
class Data:
    """What was sent to a head, series by series: samples, and the times at which a series ended."""

    head: Head = field(default_factory=lambda: Head(HeadConfig()))
    points: dict[Labels, list[Point]] = field(default_factory=dict)
    ended: dict[Labels, list[int]] = field(default_factory=dict)
    living: dict[str, set[Labels]] = field(default_factory=dict)

    def send(self, source: str, time_ms: int, values: Mapping[Labels, float]) -> None:
        samples = [
            Sample(dict(labels)["__name__"], tuple(pair for pair in labels if pair[0] != "__name__"), value)
            for labels, value in values.items()
        ]
        self.head.accept(SampleBatch(source, time_ms, (), [FamilySamples(FAMILY, samples)]))
        for labels, value in values.items():
            self.points.setdefault(labels, []).append((time_ms, value))
        for labels in self.living.get(source, set()) - values.keys():
            self.ended.setdefault(labels, []).append(time_ms)
        self.living[source] = set(values)

    def vector(self, name: str, time_ms: int) -> Vector:
        found: Vector = {}
        for labels, points in self.points.items():
            value = reference.latest(points, self.ended.get(labels, []), time_ms, LOOKBACK_MS)
            if value is not None and ("__name__", name) in labels:
                found[labels] = value
        return found


@st.composite
def gauges(draw: st.DrawFn) -> Data:
    """Two metrics of three sources, each with its own times; a source brings only series of its own `i`."""
    data = Data()
    for i in "abc":
        time_ms = draw(st.integers(0, 60_000))
        for _ in range(draw(st.integers(0, 5))):
            keys = draw(st.lists(st.sampled_from([key for key in KEYS if key[1] == i]), unique=True))
            values = {labels_of({"__name__": name, "i": i, "g": g}): draw(NUMBERS) for name, _, g in keys}
            data.send(i, time_ms, values)
            time_ms += draw(st.integers(500, 200_000))
    return data


@st.composite
def histograms(draw: st.DrawFn) -> Data:
    data, time_ms = Data(), 0
    for _ in range(draw(st.integers(1, 4))):
        values = {}
        for host in "ab":
            for bound in draw(st.lists(st.sampled_from(BOUNDS), unique=True)):
                values[labels_of({"__name__": "x", "host": host, "le": bound})] = float(draw(st.integers(0, 50)))
        data.send("app", time_ms, values)
        time_ms += draw(st.integers(500, 200_000))
    return data


def same(want: float, got: float) -> bool:
    if math.isnan(want) or math.isnan(got):
        return math.isnan(want) and math.isnan(got)
    return want == got or math.isclose(want, got, rel_tol=1e-9, abs_tol=1e-12)


def asked(data: Data, query: str, times: range) -> dict[int, Vector] | None:
    """Return the answer at each time, or None for an error."""
    try:
        answer = evaluate_range(parse(query), data.head, times[0], times[-1], times.step)
    except QueryError as error:
        return None if error.kind == "execution" else pytest.fail(str(error))
    found: dict[int, Vector] = {time_ms: {} for time_ms in times}
    for series in answer.series:
        for time_ms, value in zip(series.times.tolist(), series.values.tolist(), strict=True):
            found[time_ms][series.labels] = value
    return found


def agree(data: Data, query: str, times: range, want: Callable[[int], Vector]) -> None:
    found = asked(data, query, times)
    try:
        wanted = {time_ms: want(time_ms) for time_ms in times}
    except reference.ReferenceError:
        assert found is None
        return
    assert found is not None
    for time_ms in times:
        assert found[time_ms].keys() == wanted[time_ms].keys(), time_ms
        assert all(same(value, found[time_ms][labels]) for labels, value in wanted[time_ms].items()), (
            time_ms,
            wanted[time_ms],
            found[time_ms],
        )


def keyed(modifier: str, names: Sequence[str]) -> Callable[[Labels], Labels]:
    if modifier in ("by", "on"):
        return lambda labels: reference.only(labels, names)
    return lambda labels: reference.without(labels, names)


TIMES = st.builds(
    lambda start, step: range(start, start + 4 * step + 1, step), st.integers(0, 400_000), st.integers(1000, 150_000)
)
NAMES = st.lists(st.sampled_from("ig"), unique=True)


@pytest.mark.parametrize("op", sorted(reference.AGGREGATIONS))
@settings(max_examples=20, deadline=None)
@given(data=gauges(), times=TIMES, modifier=st.sampled_from(["by", "without"]), names=NAMES)
def test_an_aggregation_agrees_with_its_definition(
    op: str, data: Data, times: range, modifier: str, names: list[str]
) -> None:
    argument = "0.7, " if op == "quantile" else ""
    query = f"{op} {modifier} ({', '.join(names)}) ({argument}x)"
    agree(data, query, times, lambda at: reference.aggregated(op, data.vector("x", at), keyed(modifier, names)))


@pytest.mark.parametrize("op", ["topk", "bottomk"])
@settings(max_examples=20, deadline=None)
@given(data=gauges(), times=TIMES, count=st.integers(0, 4), names=NAMES)
def test_a_ranking_agrees_with_its_definition(op: str, data: Data, times: range, count: int, names: list[str]) -> None:
    found = asked(data, f"{op} by ({', '.join(names)}) ({count}, x)", times)
    assert found is not None
    for time_ms in times:
        vector, key = data.vector("x", time_ms), keyed("by", names)
        got: dict[Labels, list[float]] = {}
        for labels, value in found[time_ms].items():
            assert same(vector[labels], value)
            got.setdefault(key(labels), []).append(value)
        want = {k: v for k, v in reference.ranked(vector, count, key, largest=op == "topk").items() if v}
        assert {k: sorted(map(str, v)) for k, v in got.items()} == {k: sorted(map(str, v)) for k, v in want.items()}


@pytest.mark.parametrize(
    ("operator", "definition"),
    [
        ("-", reference.subtracted),
        ("and", reference.both),
        ("unless", reference.unless),
        ("or", reference.either),
        ("- group_left", reference.subtracted_from_many),
    ],
)
@settings(max_examples=30, deadline=None)
@given(data=gauges(), times=TIMES, modifier=st.sampled_from(["on", "ignoring"]), names=NAMES)
def test_matching_agrees_with_its_definition(
    operator: str,
    definition: Callable[[Vector, Vector, Callable[[Labels], Labels]], Vector],
    data: Data,
    times: range,
    modifier: str,
    names: list[str],
) -> None:
    op, _, group = operator.partition(" ")
    query = f"x {op} {modifier} ({', '.join(names)}) {group + ' ()' if group else ''} y"
    key = keyed(modifier, names)
    agree(data, query, times, lambda at: definition(data.vector("x", at), data.vector("y", at), key))


@pytest.mark.parametrize("operator", ["-", "and", "unless", "or"])
@settings(max_examples=30, deadline=None)
@given(data=gauges(), times=TIMES)
def test_without_a_modifier_series_match_by_all_labels_but_the_name(operator: str, data: Data, times: range) -> None:
    definitions = {
        "-": reference.subtracted,
        "and": reference.both,
        "unless": reference.unless,
        "or": reference.either,
    }
    key = keyed("ignoring", ())
    agree(
        data,
        f"x {operator} y",
        times,
        lambda at: definitions[operator](data.vector("x", at), data.vector("y", at), key),
    )


@settings(max_examples=30, deadline=None)
@given(data=gauges(), times=TIMES, limit=NUMBERS.filter(math.isfinite))
def test_a_comparison_keeps_the_samples_it_is_true_for(data: Data, times: range, limit: float) -> None:
    def want(at: int) -> Vector:
        return {labels: value for labels, value in data.vector("x", at).items() if value > limit}

    agree(data, f"x > {limit!r}", times, want)


@settings(max_examples=60, deadline=None)
@given(data=histograms(), times=TIMES, share=st.sampled_from([-1.0, 0.0, 0.3, 0.5, 0.99, 1.0, 2.0]))
def test_histogram_quantile_agrees_with_its_definition(data: Data, times: range, share: float) -> None:
    agree(
        data,
        f"histogram_quantile({share!r}, x)",
        times,
        lambda at: reference.histogram_quantile(share, data.vector("x", at)),
    )


@pytest.mark.parametrize("function", ["max_over_time", "sum_over_time", "count_over_time", "changes", "increase"])
@settings(max_examples=20, deadline=None)
@given(
    data=gauges(),
    times=TIMES,
    seconds=st.integers(1, 900),
    step=st.integers(7, 120),
    offset=st.integers(-300, 300).filter(bool),
)
def test_a_subquery_is_the_samples_that_an_instant_query_gives_at_each_multiple_of_its_step(
    function: str, data: Data, times: range, seconds: int, step: int, offset: int
) -> None:
    def want(at: int) -> Vector:
        end, points = at - offset * 1000, dict[Labels, list[Point]]()
        for time_ms in range((end - seconds * 1000) // (step * 1000) * step * 1000, end + 1, step * 1000):
            if time_ms > end - seconds * 1000:
                for labels, value in data.vector("x", time_ms).items():
                    points.setdefault(labels, []).append((time_ms, value))
        found = {
            reference.without(labels, ()): reference.FUNCTIONS[function](inside, end, seconds * 1000)
            for labels, inside in points.items()
        }
        return {labels: value for labels, value in found.items() if value is not None}

    agree(data, f"{function}(x[{seconds}s:{step}s] offset {offset}s)", times, want)
