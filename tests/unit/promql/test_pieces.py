"""Aggregations over many steps are evaluated some steps at a time, which shows in memory and in nothing else."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Aggregate
from sidecar.promql.evaluate import evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.pieces import FEWEST_STEPS, is_separable, steps_at_once
from tests.unit.promql.stores import ask, ask_range, head_of

MINUTES = 4 * FEWEST_STEPS
SEPARABLE = (
    "sum by (a) (x)",
    "avg without (a) (rate(x[5m]))",
    "topk(1, x)",
    "quantile by (b) (0.5, max_over_time(x[3m]))",
    'count_values("v", x offset 1m > 1)',
    "max(rate(x[3m]) * 8)",
    "stddev(quantile_over_time(0.9, x[4m]))",
)
INSEPARABLE = (
    "sum(x + x)",
    "sum(sum by (a) (x))",
    'sum({__name__=~"x|y"})',
    "sum(max_over_time(x[1m:1s]))",
    "topk(scalar(x), x)",
    'sum(label_replace(x, "a", "", "", ""))',
    "sum(vector(1))",
    "sum(1 + 1 + x)",
)

values = st.lists(st.sampled_from(["1", "2", "3.5", "-4", "_", "NaN", "stale"]), min_size=1, max_size=2 * MINUTES)


def aggregation(text: str) -> Aggregate:
    expr = parse(text)
    assert isinstance(expr, Aggregate)
    return expr


@settings(max_examples=25)
@given(st.lists(values, min_size=1, max_size=5), st.sampled_from([*SEPARABLE, "sum_over_time(sum(x)[40m:1m])"]))
def test_every_step_has_the_answer_of_an_instant_query(series: list[list[str]], query: str) -> None:
    head = head_of({f'x{{a="{n % 2}",b="{n}"}}': " ".join(row) for n, row in enumerate(series)})
    minutes = range(MINUTES)
    found = ask_range(head, query, minutes)
    for minute in minutes:
        at_once = {labels: dict(points)[minute] for labels, points in found.items() if minute in dict(points)}
        assert at_once == pytest.approx(ask(head, query, minute), nan_ok=True)


def test_what_is_pinned_sees_the_end_of_the_query_and_not_of_the_piece() -> None:
    head = head_of({"x": " ".join(map(str, range(MINUTES)))})
    points = ask_range(head, "sum(x @ end())", range(MINUTES))["{}"]
    assert points == [(minute, MINUTES - 1) for minute in range(MINUTES)]


def test_a_series_that_comes_in_a_later_piece_is_a_row_of_its_own() -> None:
    head = head_of({'x{a="1"}': f"1x{FEWEST_STEPS}", 'x{a="2"}': f"_x{2 * FEWEST_STEPS} 2x{FEWEST_STEPS}"})
    found = ask_range(head, "sum by (a) (x)", range(3 * FEWEST_STEPS))
    assert {labels: (points[0], len(points)) for labels, points in found.items()} == {
        "{a=1}": ((0, 1), FEWEST_STEPS + 1),
        "{a=2}": ((2 * FEWEST_STEPS, 2), FEWEST_STEPS),
    }


def test_metrics_that_become_equal_at_different_times_are_an_error_of_the_whole() -> None:
    head = head_of({"x": f"1x{FEWEST_STEPS}", "y": f"_x{3 * FEWEST_STEPS} 1x30"})
    with pytest.raises(QueryError, match="same labelset"):
        ask_range(head, 'sum(rate({__name__=~"x|y"}[2m]))', range(MINUTES))


@pytest.mark.parametrize("query", SEPARABLE)
def test_selectors_of_one_metric_and_functions_of_their_windows_can_be_separated(query: str) -> None:
    assert is_separable(aggregation(query))


@pytest.mark.parametrize("query", INSEPARABLE)
def test_what_works_on_labels_or_nests_steps_is_evaluated_at_once(query: str) -> None:
    assert not is_separable(aggregation(query))


def test_few_series_take_many_steps_and_many_series_few() -> None:
    assert steps_at_once(0) > steps_at_once(10) > steps_at_once(1000) > steps_at_once(10**6) == FEWEST_STEPS


def test_memory_is_that_of_a_piece() -> None:
    series, steps = 300, 4000
    head = head_of({f'x{{a="{n}"}}': "1x10" for n in range(series)})
    tracemalloc.start()
    evaluate_range(parse("sum(x)"), head, 0, steps * 10, 10, Options(max_samples=series * steps // 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < series * steps * 8
