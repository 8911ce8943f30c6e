"""The traps of PromQL's semantics, one by one."""

import math

import pytest

from sidecar.model.errors import QueryError
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix
from tests.unit.promql.stores import ask, ask_range, head_of, number

NAN = pytest.approx(math.nan, nan_ok=True)


def fails(head_series: dict[str, str], query: str, message: str, minutes: float = 0) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        ask(head_of(head_series), query, minutes)
    assert caught.value.kind == "execution"


def test_a_range_leaves_out_its_start_and_holds_its_end() -> None:
    head = head_of({"x": "1 2 3"})
    assert ask(head, "count_over_time(x[1m])", 2) == {"{}": 1}
    assert ask(head, "rate(x[1m])", 2) == {}


def test_the_lookback_leaves_out_a_sample_exactly_as_old() -> None:
    head = head_of({"x": "7"})
    assert ask(head, "x", 4.999) == {"x": 7}
    assert ask(head, "x", 5) == {}
    assert ask(head, "x", 2, Options(lookback_ms=60_000)) == {}


def test_a_vanished_series_is_gone_at_once_and_not_looked_for_further_back() -> None:
    head = head_of({'x{a="1"}': "1 2 _ _ 5", 'x{a="2"}': "1 1 1 1 1"})
    assert ask(head, "x", 2) == {"x{a=2}": 1}
    assert ask(head, "x", 3) == {"x{a=2}": 1}
    assert ask(head, "x", 4) == {"x{a=1}": 5, "x{a=2}": 1}
    assert ask(head, "count_over_time(x[10m])", 4) == {"{a=1}": 3, "{a=2}": 5}


def test_a_nan_of_the_user_is_a_sample() -> None:
    head = head_of({"x": "1 NaN"})
    assert ask(head, "x", 1) == {"x": NAN}
    assert ask(head, "count_over_time(x[5m])", 1) == {"{}": 2}


def test_rate_needs_two_samples_and_divides_by_the_range() -> None:
    head = head_of({"x": "0 60 120 180 240 300"})
    assert ask(head, "rate(x[5m])", 5) == {"{}": pytest.approx(1.0)}
    assert ask(head, "increase(x[5m])", 5) == {"{}": pytest.approx(300)}
    assert ask(head, "rate(x[5m])", 0.5) == {}


def test_increase_extrapolates_to_the_edges_and_is_no_integer() -> None:
    head = head_of({"x": "10 11 12 13 14"})
    assert ask(head, "increase(x[3m])", 4.5) == {"{}": pytest.approx(3.0)}
    assert ask(head, "increase(x[150s])", 4.2) == {"{}": pytest.approx(2.5)}


def test_a_counter_is_not_extrapolated_below_zero() -> None:
    assert ask(head_of({"x": "_ 1 61 121"}), "increase(x[4m])", 3) == {"{}": pytest.approx(121)}


def test_any_decrease_is_a_reset_but_nan_is_not() -> None:
    assert ask(head_of({"x": "100 110 5 15"}), "resets(x[5m])", 3) == {"{}": 1}
    assert ask(head_of({"x": "100 NaN 5"}), "resets(x[5m])", 2) == {"{}": 0}
    assert ask(head_of({"x": "100 110 5 15"}), "increase(x[3m1s])", 3)["{}"] == pytest.approx(25, rel=0.01)


def test_irate_uses_the_last_two_samples_and_idelta_knows_no_reset() -> None:
    head = head_of({"x": "0 600 60"})
    assert ask(head, "irate(x[5m])", 2) == {"{}": 1}
    assert ask(head, "idelta(x[5m])", 2) == {"{}": -540}


def test_changes_does_not_count_nan_to_nan() -> None:
    assert ask(head_of({"x": "1 NaN NaN 1 1"}), "changes(x[10m])", 4) == {"{}": 2}


def test_subquery_steps_are_multiples_of_the_step_after_the_start() -> None:
    head = head_of({"x": "0 1 2 3 4 5 6"})
    assert ask(head, "count_over_time(x[2m:1m])", 6) == {"{}": 2}
    assert ask(head, "sum_over_time(x[2m:1m])", 6.5) == {"{}": 11}
    assert ask(head, "count_over_time(x[4m:])", 6, Options(default_step_ms=120_000)) == {"{}": 2}


def test_subquery_steps_before_1970_are_multiples_too() -> None:
    assert ask(head_of({"x": "1"}), "count_over_time(vector(1)[90s:1m])", 0) == {"{}": 2}
    assert ask(head_of({"x": "1"}), "count_over_time(vector(1)[1m:1m] offset 1m)", 0) == {"{}": 1}


def test_at_pins_before_the_offset_moves_in_either_order() -> None:
    head = head_of({"x": "0 1 2 3 4 5 6"})
    assert ask(head, "x @ 300 offset 2m", 1) == ask(head, "x offset 2m @ 300", 1) == {"x": 3}
    assert ask(head, "x offset -1m", 1) == {"x": 2}


def test_at_start_and_end_are_the_edges_of_the_query_and_repeat_at_each_step() -> None:
    head = head_of({"x": "0 1 2 3 4 5 6"})
    assert ask_range(head, "x @ start()", [1, 2, 3]) == {"x": [(1, 1), (2, 1), (3, 1)]}
    assert ask_range(head, "x @ end()", [1, 2, 3]) == {"x": [(1, 3), (2, 3), (3, 3)]}
    assert ask_range(head, "sum_over_time(x[2m:1m] @ end())", [1, 2, 3])["{}"] == [(1, 5), (2, 5), (3, 5)]


def test_an_offset_of_step_is_that_of_the_query_also_inside_a_subquery_and_none_for_an_instant_query() -> None:
    head = head_of({"x": "0 1 2 3 4 5 6"})
    assert ask_range(head, "x offset step()", [2, 4, 6]) == {"x": [(2, 0), (4, 2), (6, 4)]}
    assert ask_range(head, "last_over_time(x[1m:1m] offset step())", [2, 4]) == {"x": [(2, 0), (4, 2)]}
    assert ask_range(head, "last_over_time((x offset step())[1m:1m])", [2, 4]) == {"x": [(2, 0), (4, 2)]}
    assert ask(head, "x offset step()", 5) == {"x": 5}


def test_timestamp_is_the_samples_own_only_directly_on_a_selector() -> None:
    head = head_of({"x": "5"})
    assert ask(head, "timestamp(x)", 2) == {"{}": 0}
    assert ask(head, "timestamp(x + 0)", 2) == {"{}": 120}


def test_a_query_that_multiplies_series_is_refused_before_it_takes_memory() -> None:
    head = head_of({f'x{{a="{i}"}}': "1 2 3" for i in range(50)})
    for query in ("x", "rate(x[5m])", "max_over_time(x[2m:1s])", 'count_values("v", x + time())'):
        with pytest.raises(QueryError, match="too many samples"):
            evaluate_range(parse(query), head, 0, 120_000, 1000, Options(max_samples=5000))


@pytest.mark.parametrize("query", ["-x", "x + 1", "x == bool 1", "abs(x)", "sum_over_time(x[1m])", "x * x"])
def test_what_is_no_longer_a_sample_of_the_metric_drops_its_name(query: str) -> None:
    assert list(ask(head_of({'x{a="1"}': "1"}), query, 0)) == ["{a=1}"]


@pytest.mark.parametrize(
    "query", ["x == 1", "x and x", "x or x", "last_over_time(x[1m])", "sort(x)", "topk(1, x)", "1 == x", "x > on(a) y"]
)
def test_what_is_still_a_sample_of_the_metric_keeps_its_name(query: str) -> None:
    names = list(ask(head_of({'x{a="1"}': "1", 'y{a="1"}': "0"}), query, 0))
    assert names == (["{a=1}"] if "on(" in query else ["x{a=1}"])


def test_series_that_become_equal_are_an_error_and_not_merged() -> None:
    both = {'x{a="1"}': "1", 'y{a="1"}': "1"}
    fails(both, 'abs({__name__=~"x|y"})', "same labelset")
    fails(both, 'label_replace({a="1"}, "__name__", "z", "", "")', "same labelset")
    fails({'x{a="1"}': "1", 'x{a="2"}': "1"}, 'label_replace(x, "a", "3", "", "")', "same labelset")


def test_series_that_become_equal_but_never_meet_are_one_series() -> None:
    head = head_of({'x{a="1"}': "1 1 _ _", 'x{a="2"}': "_ _ 2 2"})
    assert ask_range(head, 'label_replace(x, "a", "", "", "")', [0, 1, 2, 3]) == {"x": [(0, 1), (1, 1), (2, 2), (3, 2)]}


def test_one_to_one_matching_ignores_the_name_and_keeps_only_the_on_labels() -> None:
    head = head_of({'x{a="1",b="2"}': "6", 'y{a="1",b="2"}': "3", 'y{a="9",b="2"}': "3"})
    assert ask(head, "x / y", 0) == {"{a=1,b=2}": 2}
    assert ask(head, 'x / on (a) y{b="2"}', 0) == {"{a=1}": 2}
    assert ask(head, "x / ignoring (b) y", 0) == {"{a=1}": 2}


def test_group_left_keeps_the_many_side_and_copies_or_deletes_included_labels() -> None:
    head = head_of({'x{a="1",v="old"}': "6", 'x{a="1",b="2"}': "8", 'info{a="1",v="9"}': "2", 'bare{a="1"}': "2"})
    assert ask(head, "x * on (a) group_left (v) info", 0) == {"{a=1,v=9}": 12, "{a=1,b=2,v=9}": 16}
    assert ask(head, "x * on (a) group_left (v) bare", 0) == {"{a=1}": 12, "{a=1,b=2}": 16}
    assert ask(head, "info * on (a) group_right () x", 0) == {"{a=1,v=old}": 12, "{a=1,b=2}": 16}


def test_several_series_on_the_one_side_are_an_error_even_if_nothing_matches() -> None:
    series = {'x{a="1"}': "1", 'y{a="2",b="1"}': "1", 'y{a="2",b="2"}': "1"}
    fails(series, "x + on (a) y", "found duplicate series for the match group")
    assert ask(head_of(series), "nothing + on (a) y", 0) == {}


def test_several_series_on_the_left_side_must_be_asked_for() -> None:
    fails({'x{a="1",b="1"}': "1", 'x{a="1",b="2"}': "1", 'y{a="1"}': "1"}, "x + on (a) y", "must be explicit")


def test_multiple_matches_are_an_error_also_where_a_filter_would_leave_one() -> None:
    series = {'used{db="a",role="1"}': "9", 'used{db="a",role="2"}': "1", 'lim{db="a"}': "5"}
    for query in ("used > on (db) lim", "used == on (db) lim", "used > bool on (db) lim", "used - on (db) lim"):
        fails(series, query, "must be explicit")


def test_set_operators_choose_by_match_group() -> None:
    head = head_of({'x{a="1"}': "1", 'x{a="2"}': "2", 'y{a="2",b="3"}': "3", 'y{a="4",b="5"}': "4"})
    assert ask(head, "x and on (a) y", 0) == {"x{a=2}": 2}
    assert ask(head, "x unless on (a) y", 0) == {"x{a=1}": 1}
    assert ask(head, "x or on (a) y", 0) == {"x{a=1}": 1, "x{a=2}": 2, "y{a=4,b=5}": 4}
    assert ask(head, "x and nothing", 0) == {}
    assert ask(head, "nothing or x", 0) == {"x{a=1}": 1, "x{a=2}": 2}


def test_a_comparison_with_a_scalar_on_the_left_gives_the_value_of_the_vector() -> None:
    assert ask(head_of({"x": "7"}), "5 < x", 0) == {"x": 7}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("-5 % 3", -2.0),
        ("5 % -3", 2.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("0 / 0", NAN),
        ("5 % 0", NAN),
        ("NaN == bool NaN", 0.0),
        ("1 == bool 1", 1.0),
        ("scalar(vector(4))", 4.0),
        ("time()", 0.0),
    ],
)
def test_scalars(query: str, value: float) -> None:
    assert number(query) == value


def test_min_and_max_skip_nan_unless_there_is_nothing_else() -> None:
    head = head_of({'x{a="1"}': "NaN", 'x{a="2"}': "2", 'y{a="1"}': "NaN"})
    assert ask(head, "min(x)", 0) == ask(head, "max(x)", 0) == {"{}": 2}
    assert ask(head, "max(y)", 0) == {"{}": NAN}


def test_topk_and_sort_put_nan_last() -> None:
    head = head_of({'x{a="1"}': "NaN", 'x{a="2"}': "2", 'x{a="3"}': "3"})
    assert list(ask(head, "topk(3, x)", 0)) == ["x{a=3}", "x{a=2}", "x{a=1}"]
    assert list(ask(head, "bottomk(2, x)", 0)) == ["x{a=2}", "x{a=3}"]
    assert list(ask(head, "sort(x)", 0)) == ["x{a=2}", "x{a=3}", "x{a=1}"]
    assert list(ask(head, "sort_desc(x)", 0)) == ["x{a=3}", "x{a=2}", "x{a=1}"]


def test_quantile_interpolates_sorts_nan_first_and_is_infinite_outside_its_range() -> None:
    head = head_of({'x{a="1"}': "1", 'x{a="2"}': "2", 'x{a="3"}': "4"})
    assert ask(head, "quantile(0.75, x)", 0) == {"{}": 3}
    assert ask(head, "quantile(-1, x)", 0) == {"{}": -math.inf}
    assert ask(head, "quantile(2, x)", 0) == {"{}": math.inf}
    assert ask(head_of({'x{a="1"}': "NaN", 'x{a="2"}': "2"}), "quantile(0, x)", 0) == {"{}": NAN}


def test_sums_keep_small_values_beside_large_ones_that_cancel() -> None:
    head = head_of({'x{a="1"}': "1e100", 'x{a="2"}': "1", 'x{a="3"}': "-1e100"})
    assert ask(head, "sum(x)", 0) == {"{}": 1}
    assert ask(head_of({"x": "1e100 1 -1e100"}), "sum_over_time(x[5m])", 2) == {"{}": 1}


def test_deviations_are_those_of_a_population() -> None:
    head = head_of({'x{a="1"}': "2 4", 'x{a="2"}': "4 4"})
    assert ask(head, "stddev(x)", 0) == {"{}": 1}
    assert ask(head, "stdvar(x)", 0) == {"{}": 1}
    assert ask(head, "stddev_over_time(x[5m])", 1) == {"{a=1}": 1, "{a=2}": 0}


def test_an_average_does_not_overflow() -> None:
    head = head_of({'x{a="1"}': "1.7e308", 'x{a="2"}': "1.7e308"})
    assert ask(head, "avg(x)", 0) == {"{}": pytest.approx(1.7e308)}
    assert ask(head_of({"x": "1.7e308 1.7e308"}), "avg_over_time(x[5m])", 1) == {"{}": pytest.approx(1.7e308)}


def test_count_values_writes_the_shortest_plain_number() -> None:
    head = head_of({'x{a="1"}': "1e21", 'x{a="2"}': "0.1", 'x{a="3"}': "0.1"})
    assert ask(head, 'count_values("v", x)', 0) == {"{v=1000000000000000000000}": 1, "{v=0.1}": 2}


BUCKETS = {'h{le="0.1"}': "5", 'h{le="1"}': "7", 'h{le="1.0"}': "2", 'h{le="+Inf"}': "10"}


def test_histogram_quantile_merges_equal_bounds_and_stops_at_the_last_finite_one() -> None:
    head = head_of(BUCKETS)
    assert ask(head, "histogram_quantile(0.25, h)", 0) == {"{}": pytest.approx(0.05)}
    assert ask(head, "histogram_quantile(0.7, h)", 0) == {"{}": pytest.approx(0.1 + 0.9 * 2 / 4)}
    assert ask(head, "histogram_quantile(0.99, h)", 0) == {"{}": 1.0}
    assert ask(head, "histogram_quantile(1.1, h)", 0) == {"{}": math.inf}


def test_histogram_quantile_needs_the_infinite_bucket_and_forces_counts_to_grow() -> None:
    assert ask(head_of({'h{le="0.1"}': "5", 'h{le="1"}': "7"}), "histogram_quantile(0.5, h)", 0) == {"{}": NAN}
    falling = {'h{le="1"}': "5", 'h{le="2"}': "4", 'h{le="+Inf"}': "10"}
    assert ask(head_of(falling), "histogram_quantile(0.5, h)", 0) == {"{}": 1.0}


def test_the_lowest_bucket_begins_at_zero_unless_it_ends_below() -> None:
    above = {'h{le="2"}': "10", 'h{le="+Inf"}': "10"}
    assert ask(head_of(above), "histogram_quantile(0.5, h)", 0) == {"{}": 1.0}
    below = {'h{le="-2"}': "10", 'h{le="+Inf"}': "10"}
    assert ask(head_of(below), "histogram_quantile(0.5, h)", 0) == {"{}": -2.0}


def test_a_decrease_between_buckets_within_the_tolerance_is_none() -> None:
    nearly = {'h{le="1"}': "10", 'h{le="2"}': "9.9999999999999", 'h{le="+Inf"}': "10.0000000000001"}
    assert ask(head_of(nearly), "histogram_quantile(1, h)", 0) == {"{}": 1.0}


def test_absent_has_the_labels_of_unique_equal_matchers_and_none_for_expressions() -> None:
    head = head_of({"x": "1"})
    assert ask(head, 'absent(y{a="1",b=~"2",c!="3",d="4",d="5"})', 0) == {"{a=1}": 1}
    assert ask(head, 'absent(sum(y{a="1"}))', 0) == {"{}": 1}
    assert ask(head, "absent(x)", 0) == {}
    assert ask(head, 'absent_over_time(y{a="1"}[5m])', 0) == {"{a=1}": 1}


def test_regular_expressions_are_anchored_and_their_dot_matches_a_newline() -> None:
    head = head_of({'x{a="one\\ntwo"}': "1", 'x{a="One"}': "2"})
    assert list(ask(head, 'x{a=~"one.two"}', 0).values()) == [1]
    assert ask(head, 'x{a=~"n"}', 0) == {}
    assert list(ask(head, 'x{a=~"o(?i)NE"}', 0).values()) == []
    assert list(ask(head, 'x{a=~"(?i)one"}', 0).values()) == [2]


def test_a_hostile_regular_expression_ends() -> None:
    assert ask(head_of({f'x{{a="{"a" * 40}"}}': "1"}), 'x{a=~"(a+)+b"}', 0) == {}


def test_label_replace_expands_groups_and_an_empty_text_deletes() -> None:
    head = head_of({'x{a="up-down"}': "1"})

    def replaced(template: str, regex: str = "(?P<first>.*)-(.*)") -> list[str]:
        return list(ask(head, f'label_replace(x, "b", "{template}", "a", "{regex}")', 0))

    assert replaced("$1") == ["x{a=up-down,b=up}"]
    assert replaced("${2}x$$") == ["x{a=up-down,b=downx$}"]
    assert replaced("$first") == ["x{a=up-down,b=up}"]
    assert replaced("$1x") == ["x{a=up-down}"]
    assert replaced("$1", "up") == ["x{a=up-down}"]
    assert list(ask(head, 'label_replace(x, "a", "", "", "")', 0)) == ["x"]
    assert list(ask(head, 'label_join(x, "b", "/", "a", "none", "a")', 0)) == ["x{a=up-down,b=up-down//up-down}"]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("day_of_week(vector(0))", 4),
        ("day_of_week(vector(1700352000))", 0),
        ("days_in_month(vector(1709210000))", 29),
        ("year(vector(-1))", 1969),
        ("month(vector(1709210000))", 2),
        ("day_of_year(vector(1709210000))", 60),
        ("hour(vector(-1))", 23),
        ("minute(vector(3599))", 59),
        ("round(vector(-2.5))", -2),
        ("round(vector(2.5))", 3),
        ("round(vector(7), 5)", 5),
        ("clamp(vector(7), 1, 3)", 3),
        ("sgn(vector(-3))", -1),
    ],
)
def test_calendar_and_rounding(query: str, value: float) -> None:
    assert ask(head_of({"x": "1"}), query, 0) == {"{}": value}


def test_clamp_with_limits_that_contradict_each_other_is_empty() -> None:
    assert ask(head_of({"x": "1"}), "clamp(x, 3, 1)", 0) == {}


def test_predict_linear_starts_at_the_evaluation_time() -> None:
    assert ask(head_of({"x": "0 60 120"}), "predict_linear(x[5m], 60)", 3) == {"{}": pytest.approx(240)}
    assert ask(head_of({"x": "0 60 120"}), "deriv(x[5m])", 3) == {"{}": pytest.approx(1)}


def test_smoothing_factors_outside_their_range_are_an_error() -> None:
    fails({"x": "1 2 3"}, "double_exponential_smoothing(x[5m], 1, 0.5)", "invalid smoothing factor", 2)


def test_a_duration_is_a_number_of_seconds() -> None:
    assert ask(head_of({"x": "1 2 3"}), "count_over_time(x[120]) + 5m", 2) == {"{}": 302}


def test_what_prometheus_3_has_no_more_is_gone() -> None:
    with pytest.raises(QueryError, match="unknown function"):
        parse("holt_winters(x[5m], 0.5, 0.5)")


def test_an_empty_label_value_is_an_absent_label() -> None:
    head = head_of({'x{a="1"}': "1", "x": "2"})
    assert ask(head, 'x{a=""}', 0) == {"x": 2}
    assert ask(head, "sum by (a, none) (x)", 0) == {"{a=1}": 1, "{}": 2}
    assert ask(head, "sum without (a) (x)", 0) == {"{}": 3}


def test_without_drops_the_name_too_and_by_keeps_only_labels_that_are_there() -> None:
    head = head_of({'x{a="1",b="2"}': "1", 'y{a="1",b="3"}': "2"})
    assert ask(head, 'sum without (b) ({a="1"})', 0) == {"{a=1}": 3}
    assert ask(head, 'sum by (a, none) ({a="1"})', 0) == {"{a=1}": 3}
    assert ask(head, 'sum by (__name__) ({a="1"})', 0) == {"x": 1, "y": 2}


def test_a_series_may_have_values_at_some_steps_only() -> None:
    head = head_of({'x{a="1"}': "1 5 1 5", 'x{a="2"}': "1 1 1 1"})
    assert ask_range(head, "x > 2", [0, 1, 2, 3]) == {"x{a=1}": [(1, 5), (3, 5)]}


def test_a_range_vector_alone_is_a_matrix_of_the_samples() -> None:
    answer = evaluate_instant(parse("x[2m]"), head_of({"x": "1 2 _ 4"}), 180_000)
    assert isinstance(answer, Matrix)
    assert answer.series[0].times.tolist() == [180_000]
    assert answer.series[0].values.tolist() == [4]


def test_too_many_steps_and_range_vectors_are_refused_by_a_range_query() -> None:
    head = head_of({"x": "1"})
    for query, end, step in (("x", 11_001, 1), ("x", 10, 0), ("x[5m]", 10, 1), ('"text"', 10, 1)):
        with pytest.raises(QueryError) as caught:
            evaluate_range(parse(query), head, 0, end, step)
        assert caught.value.kind == "bad_data"


def test_a_query_over_the_sample_limit_is_an_execution_error() -> None:
    with pytest.raises(QueryError, match="too many samples") as caught:
        ask(head_of({'x{a="1"}': "1", 'x{a="2"}': "1"}), "x", 0, Options(max_samples=1))
    assert caught.value.kind == "execution"


TRAPS = {
    "1 windows and lookback leave out their start": (
        test_a_range_leaves_out_its_start_and_holds_its_end,
        test_the_lookback_leaves_out_a_sample_exactly_as_old,
    ),
    "2 staleness": (
        test_a_vanished_series_is_gone_at_once_and_not_looked_for_further_back,
        test_a_nan_of_the_user_is_a_sample,
    ),
    "3 extrapolation": (
        test_rate_needs_two_samples_and_divides_by_the_range,
        test_a_counter_is_not_extrapolated_below_zero,
    ),
    "4 resets": (
        test_increase_extrapolates_to_the_edges_and_is_no_integer,
        test_any_decrease_is_a_reset_but_nan_is_not,
    ),
    "5 neighbours": (
        test_irate_uses_the_last_two_samples_and_idelta_knows_no_reset,
        test_changes_does_not_count_nan_to_nan,
    ),
    "6 subquery steps": (
        test_subquery_steps_are_multiples_of_the_step_after_the_start,
        test_subquery_steps_before_1970_are_multiples_too,
    ),
    "7 `@`, offset and timestamp": (
        test_at_pins_before_the_offset_moves_in_either_order,
        test_at_start_and_end_are_the_edges_of_the_query_and_repeat_at_each_step,
        test_timestamp_is_the_samples_own_only_directly_on_a_selector,
    ),
    "8 names": (
        test_what_is_no_longer_a_sample_of_the_metric_drops_its_name,
        test_what_is_still_a_sample_of_the_metric_keeps_its_name,
        test_series_that_become_equal_are_an_error_and_not_merged,
    ),
    "9 matching": (
        test_one_to_one_matching_ignores_the_name_and_keeps_only_the_on_labels,
        test_group_left_keeps_the_many_side_and_copies_or_deletes_included_labels,
        test_several_series_on_the_one_side_are_an_error_even_if_nothing_matches,
        test_set_operators_choose_by_match_group,
    ),
    "10 scalars": (
        test_a_comparison_with_a_scalar_on_the_left_gives_the_value_of_the_vector,
        test_scalars,
    ),
    "11 aggregations of NaN, and sums": (
        test_min_and_max_skip_nan_unless_there_is_nothing_else,
        test_topk_and_sort_put_nan_last,
        test_quantile_interpolates_sorts_nan_first_and_is_infinite_outside_its_range,
        test_deviations_are_those_of_a_population,
        test_sums_keep_small_values_beside_large_ones_that_cancel,
        test_an_average_does_not_overflow,
        test_count_values_writes_the_shortest_plain_number,
    ),
    "12 classic histograms": (
        test_histogram_quantile_merges_equal_bounds_and_stops_at_the_last_finite_one,
        test_histogram_quantile_needs_the_infinite_bucket_and_forces_counts_to_grow,
        test_the_lowest_bucket_begins_at_zero_unless_it_ends_below,
        test_a_decrease_between_buckets_within_the_tolerance_is_none,
    ),
    "13 absent": (test_absent_has_the_labels_of_unique_equal_matchers_and_none_for_expressions,),
    "14 regular expressions": (
        test_regular_expressions_are_anchored_and_their_dot_matches_a_newline,
        test_a_hostile_regular_expression_ends,
    ),
    "15 label_replace": (test_label_replace_expands_groups_and_an_empty_text_deletes,),
    "16 calendar, rounding, clamp and predict_linear": (
        test_calendar_and_rounding,
        test_clamp_with_limits_that_contradict_each_other_is_empty,
        test_predict_linear_starts_at_the_evaluation_time,
    ),
    "17 smoothing, what is gone, durations that are numbers": (
        test_smoothing_factors_outside_their_range_are_an_error,
        test_what_prometheus_3_has_no_more_is_gone,
        test_a_duration_is_a_number_of_seconds,
    ),
    "18 empty label values": (test_an_empty_label_value_is_an_absent_label,),
    "19 range queries": (
        test_a_series_may_have_values_at_some_steps_only,
        test_too_many_steps_and_range_vectors_are_refused_by_a_range_query,
        test_a_query_over_the_sample_limit_is_an_execution_error,
    ),
    "20 grouping": (
        test_an_empty_label_value_is_an_absent_label,
        test_without_drops_the_name_too_and_by_keeps_only_labels_that_are_there,
    ),
}
"""Where each trap of the specification is tested; tests/golden/promql has most of them as scripts too."""


def test_every_trap_has_a_test() -> None:
    assert [int(name.split()[0]) for name in TRAPS] == list(range(1, 21))
