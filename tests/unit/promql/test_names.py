"""When metric names go: at once, or at the end where delayed name removal is on."""

import pytest

from sidecar.model.errors import QueryError
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix
from tests.unit.promql.stores import ask, head_of, text

LATE = Options(delayed_name_removal=True)
TWO = {'x{a="1"}': "0 60 120", 'y{a="1"}': "0 60 120"}


@pytest.mark.parametrize(
    ("query", "at_once", "late"),
    [
        ('label_replace(-x, "was", "$1", "__name__", "(.*)")', "{a=1}", "{a=1,was=x}"),
        ('label_replace(-x, "__name__", "$1", "__name__", "(.*)")', "{a=1}", "x{a=1}"),
        ('label_join(x * 2, "__name__", "", "__name__", "a")', "1{a=1}", "x1{a=1}"),
        ('label_replace(-x, "__name__", "z", "__name__", "nothing")', "{a=1}", "{a=1}"),
        ("sum by (__name__) (-x)", "{}", "{}"),
        ('label_replace(sum by (__name__) (-x), "b", "$1", "__name__", "(.+)")', "{}", "{b=x}"),
        ("sum without (a) (-x)", "{}", "{}"),
        ("topk(1, -x)", "{a=1}", "{a=1}"),
        ("sort(-x)", "{a=1}", "{a=1}"),
        ("-x or y", "{a=1}", "{a=1}"),
        ("nothing or -x", "{a=1}", "{a=1}"),
        ("x and -x", "x{a=1}", "x{a=1}"),
        ("x > bool 1", "{a=1}", "{a=1}"),
        ("x == bool y", "{a=1}", "{a=1}"),
        ("x + y", "{a=1}", "{a=1}"),
        ("x == y", "x{a=1}", "x{a=1}"),
        ("timestamp(x)", "{a=1}", "{a=1}"),
        ("last_over_time(x[5m])", "x{a=1}", "x{a=1}"),
        ('count_values by (__name__) ("v", x)', "x{v=120}", "x{v=120}"),
        ("vector(1) or x", "{}|x{a=1}", "{}|x{a=1}"),
    ],
)
def test_names_go_at_once_or_at_the_end(query: str, at_once: str, late: str) -> None:
    head = head_of(TWO)
    assert "|".join(ask(head, query, 2)) == at_once
    assert "|".join(ask(head, query, 2, LATE)) == late


def test_series_that_differ_by_a_name_to_go_are_an_error_only_if_they_are_left_at_the_end() -> None:
    head = head_of(TWO)
    query = 'sum(rate({a="1"}[5m]))'
    with pytest.raises(QueryError, match="same labelset"):
        ask(head, query, 2)
    assert list(ask(head, query, 2, LATE)) == ["{}"]
    with pytest.raises(QueryError, match="same labelset"):
        ask(head, 'rate({a="1"}[5m])', 2, LATE)


def test_a_group_loses_its_name_if_any_of_its_series_does() -> None:
    head = head_of({'x{a="1"}': "1", 'x{a="2"}': "2"})
    assert ask(head, 'sum by (__name__) (-x{a="1"} or x{a="2"})', 0, LATE) == {"{}": 1}
    assert ask(head, 'sum by (__name__) (-x{a="3"} or x{a="2"})', 0, LATE) == {"x": 2}


def test_a_series_of_two_parts_keeps_its_name_if_its_first_sample_does() -> None:
    for values, name in (("1 -1 1", "x"), ("-1 1 -1", "{}")):
        answer = evaluate_range(parse("(x > 0) or -x"), head_of({"x": values}), 0, 120_000, 60_000, LATE)
        assert [(text(series.labels), series.values.tolist()) for series in answer.series] == [(name, [1, 1, 1])]


def test_a_subquery_as_an_answer_has_no_names_that_were_to_go() -> None:
    for query, name in (("(-x)[2m:1m]", "{a=1}"), ("x[2m:1m]", "x{a=1}"), ("x[2m]", "x{a=1}")):
        for options in (Options(), LATE):
            answer = evaluate_instant(parse(query), head_of({'x{a="1"}': "1 2 3"}), 120_000, options)
            assert isinstance(answer, Matrix)
            assert [text(series.labels) for series in answer.series] == [name]


def test_range_functions_of_series_that_become_equal_are_an_error_even_if_they_never_meet() -> None:
    head = head_of({'x{a="1"}': "1 2 _ _ _ _", 'y{a="1"}': "_ _ _ 1 2 3"})
    query = parse('sum_over_time({a="1"}[1m])')
    with pytest.raises(QueryError, match="same labelset"):
        evaluate_range(query, head, 0, 300_000, 60_000)
    assert len(evaluate_range(query, head, 0, 300_000, 60_000, LATE).series) == 1
    assert len(evaluate_range(parse('-{a="1"}'), head, 0, 300_000, 60_000).series) == 1
