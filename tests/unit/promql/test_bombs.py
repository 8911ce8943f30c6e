"""Texts made to keep the parser busy or to bring it down are refused at once, as bad data."""

import time

import pytest

from sidecar.model.errors import QueryError
from sidecar.promql.copy_cost import copy_cost
from sidecar.promql.guard import MAX_COST_MICROSECONDS, MAX_LENGTH, check
from sidecar.promql.parse import parse
from sidecar.promql.regex_cost import compile_cost

BOMBS = {
    "quotes that never close": '\\"' * (MAX_LENGTH // 2 - 1),
    "a class repeated": r'x{a=~"\\pL{1000}"}',
    "a named class repeated": r"x{a=~`\p{Greek}{1000}`}",
    "a class in many matchers": "x{" + ",".join(r'a=~"\\w{20}"' for _ in range(400)) + "}",
    "groups repeated within groups": 'x{a=~"((((a{30}){30}){30}){30})"}',
    "alternatives": 'x{a=~"' + "|".join(f"[a-z]{{{n}}}" for n in range(900, 999)) + '"}',
    "written with escapes": r'x{a=~"\x5c\u0070L{1000}"}',
    "in a function": r'label_replace(x, "a", "", "b", "\\pL{1000}")',
    "a chain of a thousand operators": "+".join(["rate(x[5m])"] * 990),
    "a chain of large parts": "+".join(["abs(" * 10 + "x" + ")" * 10] * 240),
    "a chain that leads to the right": "^".join(["1"] * 240) + "^(" + "+".join(["abs(x)"] * 250) + ")",
    "expressions in a chain": " or ".join(['x{a=~"b|c",d=~"e"}'] * 240),
    "signs": "-" * 980 + "x",
    "a repetition beyond counting": 'x{a=~"a{99999999999999999999}"}',
}


@pytest.mark.alone("measures time")
@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_before_it_goes_off(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(QueryError) as refusal:
        parse(text)
    assert refusal.value.kind == "bad_data"
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize(
    "text",
    [
        "x{a=~`" + "b" * (MAX_LENGTH - 10) + "`}",
        'x{a=~"' + "|".join(f"shop-{n}-[a-z0-9]+" for n in range(300)) + '"}',
        r'x{a=~"\\w+:\\d+|[\\w-]+\\.[\\w.]+", b!~"(a|b){3}.*", c="{{1000}}"}',
        r"x{a=~`\x{10000}\x{010000}[\x{20000}]`}",
        " or ".join(f'job:errors:ratio{{cluster="c{n}",env="prod"}} > 0.5' for n in range(200)),
        "+".join(["x"] * 250),
        " or ".join(f'sum by (route)(rate(requests_total{{route="/r{n}",code="500"}}[5m]))' for n in range(150)),
        "x{" + ",".join(f'a{n}!="{"v" * 50}"' for n in range(200)) + "}",
    ],
)
def test_what_people_write_is_not_taken_for_a_bomb(text: str) -> None:
    check(text)


def test_the_cost_of_an_expression_counts_repeated_groups_and_nothing_else() -> None:
    assert compile_cost(["`abc`"]) * 10 == compile_cost(["`(abc){10}`"])
    assert compile_cost(["`(abc){2,10}`"]) == compile_cost(["`(abc){10}`"])
    assert compile_cost(["`[{9}]`"]) < compile_cost(["`a{3}`"])
    assert compile_cost([r'"\\w"', r"`\w`"]) == 2 * compile_cost([r"`\w`"])
    assert compile_cost(["`)))((`"]) < MAX_COST_MICROSECONDS


def test_the_cost_of_a_chain_grows_with_its_square_and_that_of_a_balanced_tree_does_not() -> None:
    chain = "+".join(["x"] * 200)
    assert 3 < copy_cost(chain) / copy_cost("+".join(["x"] * 100)) < 5
    assert copy_cost(f"f({', '.join(['(x + x)'] * 100)})") * 20 < copy_cost(chain)
    assert copy_cost(" or ".join(["x > 1"] * 100)) < copy_cost("+".join(["x > 1"] * 100))
    assert copy_cost('x{a="b",c="d"}') < copy_cost("x + a + b + c + d")
    assert copy_cost(")))(((") < 10


@pytest.mark.parametrize("text", ["x\x00", "\udcff", 'x{a="\udc80"}', "x offset 292277024y", "x @ 1e300", "x @ NaN"])
def test_what_is_no_text_or_no_time_is_bad_data(text: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse(text)
    assert refusal.value.kind == "bad_data"
