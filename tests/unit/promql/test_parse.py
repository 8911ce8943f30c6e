"""Parsing: what is refused and how, and the canonical text."""

import pytest

from sidecar.model.errors import QueryError
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.promql.ast import Aggregate, Binary, MatrixSelector, Negation, Number, QueryStep, Subquery, VectorSelector
from sidecar.promql.format import format_expr
from sidecar.promql.guard import MAX_LENGTH, MAX_NESTING
from sidecar.promql.parse import parse
from sidecar.promql.reach import longest_range_ms, selectors


def refusal(text: str) -> str:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.kind == "bad_data"
    return str(caught.value)


def test_a_selector_has_a_matcher_for_its_name() -> None:
    expr = parse('x{a!="1"} @ 5 offset -1m')
    matchers = (Matcher("__name__", MatchOp.EQUAL, "x"), Matcher("a", MatchOp.NOT_EQUAL, "1"))
    assert expr == VectorSelector("x", matchers, -60_000, 5000)


def test_an_offset_may_be_the_step_of_the_query() -> None:
    matchers = (Matcher("__name__", MatchOp.EQUAL, "x"),)
    assert parse("x offset STEP ( )") == VectorSelector("x", matchers, QueryStep.STEP)
    assert parse('x{a="offset step()"}') == parse("x{a='offset step()'}")
    assert isinstance(parse("x offset step() * 2"), Binary)
    subquery = parse("x[5m:1m] offset step()")
    assert isinstance(subquery, Subquery)
    assert subquery.offset is QueryStep.STEP


def test_precedence_is_that_of_prometheus() -> None:
    expr = parse("-x ^ 2 + 1")
    assert isinstance(expr, Binary)
    assert isinstance(expr.left, Negation)
    assert expr.right == Number(1)


def test_a_duration_may_be_a_number_of_seconds() -> None:
    assert parse("x[300]") == parse("x[5m]")
    assert isinstance(parse("x[1ms]"), MatrixSelector)


def test_by_nothing_and_no_clause_are_the_same() -> None:
    assert parse("sum by () (x)") == parse("sum(x)")
    assert isinstance(parse("sum without () (x)"), Aggregate)
    assert parse("sum without () (x)") != parse("sum(x)")


def test_the_place_of_a_mistake_is_told() -> None:
    assert refusal("up{") == "1:4: parse error: unexpected end of input inside braces"
    assert refusal("1 +\n  nofunc(x)").startswith("2:3: parse error: unknown function")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("info(x)", "info()"),
        ('info(x, {a=~".*"})', "info()"),
        ("increase(x[1m] anchored)", "`anchored`"),
        ("x @ 100 smoothed + 0", "`smoothed`"),
        ("sum(h </ 2)", "`</` of native histograms"),
        ("h >/ 2", "`>/` of native histograms"),
        ("x[5m * 2]", "a duration expression"),
        ("x[(5m)]", "a duration expression"),
        ("x[step()]", "a duration expression"),
        ("x offset -(1h + 5m)", "a duration expression"),
        ("x offset range()", "a duration expression"),
        ("x offset -step()", "a duration expression"),
        ("histogram_avg(x)", "histogram_avg()"),
        ("sort_by_label(x)", "sort_by_label()"),
        ("a + on () fill_left (0) b", "fill"),
        ("histogram_count(x)", "histogram_count()"),
        ("limitk(1, x)", "limitk()"),
        ("x @ -5", "@"),
        ("a + fill (0) b", "fill"),
        ('x{a="1" or b="2"}', "or"),
        ('label_replace(x, "\\xff", "", "", "")', "\\x"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_name(text: str, name: str) -> None:
    message = refusal(text)
    assert "is not supported" in message
    assert name in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x_info + info(x)", "1:10"),
        ('label_replace(x, "a", "anchored", "b", "c")\n + x anchored', "2:6"),
        ("x # x[5m * 2]\n [1m*2]", "2:5"),
        ('x{a="limitk"} and limitk(1, x)', "1:19"),
    ],
)
def test_the_place_of_what_is_not_supported_is_told(text: str, place: str) -> None:
    assert refusal(text).startswith(f"{place}: parse error: ")


def test_a_mistake_is_not_taken_for_what_is_not_supported() -> None:
    for text in ('x{a="x anchored" +', "x[5m", "x + # >/ \n", "anchored_total +"):
        assert "not supported" not in refusal(text)


@pytest.mark.parametrize("text", ['x{a="@ -5"}', 'x{a="' + "((((" * 50 + '"}', "x # @ -5 and '"])
def test_quoted_texts_and_comments_are_not_looked_into(text: str) -> None:
    assert isinstance(parse(text), VectorSelector)


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        "",
        "x +",
        "rate(x)",
        "1 == 1",
        "x[0s]",
        "x[300y]",
        "x offset -300y",
        "{}",
        '{a=""}',
        'x{a=~"("}',
        "x @ 1e30",
        "x[5m] + 1",
        "sum(" * (MAX_NESTING + 1) + "x" + ")" * (MAX_NESTING + 1),
        "(" * 20_000,
        "-" * 16_000 + "x",
        "# '\n" + "(" * 15_000 + "# '",
        "+".join(["x"] * 4000),
        "a^" * 4000 + "b",
        "x" * (MAX_LENGTH + 1),
        "é" * (MAX_LENGTH // 2 + 1),
    ],
)
def test_bad_and_hostile_texts_are_refused(text: str) -> None:
    assert "parse error: " in refusal(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sum(x)by(a)", "sum by (a) (x)"),
        ("sum by()(x)", "sum(x)"),
        ("topk without(b)(3,x)", "topk without (b) (3, x)"),
        ('x{ a = "1" , b=~"c" } [5m] offset 1h30m', 'x{a="1",b=~"c"}[5m] offset 1h30m'),
        ("x[90m:30s] @ start() offset -1d", "x[1h30m:30s] @ start() offset -1d"),
        ("x[1w:]", "x[1w:]"),
        ("x[5m]  offset  Step()", "x[5m] offset step()"),
        ("x @ 1.5", "x @ 1.500"),
        ('{"a b",c="d"}', '{"a b",c="d"}'),
        ('{__name__=~"a.*"}', '{__name__=~"a.*"}'),
        ("a*on(b)group_left(c)d", "a * on (b) group_left (c) d"),
        ("a>bool ignoring(b)c", "a > bool ignoring (b) c"),
        ("a+group_left c", None),
        ("1e3+0.5+Inf", "1000 + 0.5 + +Inf"),
        ("1e-7", "0.0000001"),
        ("1_000 + .5_5 + x_1_0{a1_0='1_0'} * 0x_F_F", '1000 + 0.55 + x_1_0{a1_0="1_0"} * 255'),
        ("x{a='it\\'s \"q\" \\\\'}", 'x{a="it\'s \\"q\\" \\\\"}'),
        ("(a+b)*-c", "(a + b) * -c"),
        ("count_values('v',x)", 'count_values("v", x)'),
        ("histogram_quantile(0.9,sum(rate(x[5m]))by(le))", "histogram_quantile(0.9, sum by (le) (rate(x[5m])))"),
    ],
)
def test_the_canonical_text_is_that_of_prometheus(text: str, canonical: str | None) -> None:
    if canonical is None:
        refusal(text)
        return
    assert format_expr(parse(text)) == canonical
    assert parse(canonical) == parse(text)


def test_the_selectors_of_an_expression_are_found_in_order() -> None:
    expr = parse("rate(a[5m]) / on () sum(b) > max_over_time(c[1h:1m])")
    names = [item.name for item in selectors(expr)]
    assert names == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("x", 0),
        ("x offset 5m", 5),
        ("x offset -5m", 0),
        ("x offset step()", 0),
        ("rate(x[5m] offset 10m)", 15),
        ("rate(x[5m]) / rate(x[1h])", 60),
        ("max_over_time(rate(x[5m])[1h:] offset 10m)", 75),
    ],
)
def test_the_longest_range_counts_ranges_and_offsets(text: str, minutes: int) -> None:
    assert longest_range_ms(parse(text)) == minutes * 60_000
