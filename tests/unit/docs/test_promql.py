"""What the pages about PromQL say is so."""

import pytest

from scripts.promql_reference import FAMILIES, REFUSED, SYNTAX, answer_to
from sidecar.promql.functions.registry import FUNCTIONS
from sidecar.promql.guard import MAX_LENGTH
from sidecar.promql.options import Options
from tests.conftest import ROOT
from tests.unit.promql.stores import ask, head_of

PAGE = (ROOT / "docs/promql.md").read_text()


@pytest.mark.parametrize("example", REFUSED)
def test_what_is_listed_as_refused_is_refused_by_its_name(example: str) -> None:
    assert example.split("(")[0] in answer_to(example)


@pytest.mark.parametrize(("example", "why"), SYNTAX.values())
def test_syntax_is_refused_if_and_only_if_the_page_says_why(example: str, why: str) -> None:
    assert bool(answer_to(example)) == bool(why)
    assert not why or "is not supported" in answer_to(example)


def test_no_function_is_in_two_families() -> None:
    names = [name for family in FAMILIES.values() for name in family]
    assert len(names) == len(set(names))
    assert set(names) < set(FUNCTIONS)


def test_the_defaults_are_those_of_a_server() -> None:
    assert Options().delayed_name_removal is False
    assert Options().lookback_ms == 300_000


def test_a_name_that_is_a_word_of_the_grammar_goes_in_quotes() -> None:
    assert answer_to("anchored")
    assert ask(head_of({'anchored{smoothed="1"}': "5"}), 'sum by ("smoothed") ({"anchored"})', 0) == {"{smoothed=1}": 5}


def test_an_expression_beyond_the_limits_is_refused() -> None:
    assert "longer than" in answer_to("x" * (MAX_LENGTH + 1))


def test_of_equal_values_topk_takes_the_first() -> None:
    head = head_of({'x{a="1"}': "1", 'x{a="2"}': "2", 'x{a="3"}': "2"})
    assert list(ask(head, "topk(1, x)", 0)) == ["x{a=2}"]
    assert list(ask(head, "bottomk(2, x)", 0)) == ["x{a=1}", "x{a=2}"]


@pytest.mark.parametrize("text", ["`x @ -1`", '`"\\xe9"`', "`anchored`", "`info()`", "`offset step()`"])
def test_what_is_tested_here_is_on_the_page(text: str) -> None:
    assert text in PAGE
