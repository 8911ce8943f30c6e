"""Statements that are alike in a quick look are alike."""

import random
import re
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.outline import outline
from sidecar.fingerprint.sql import Quoting, normalised
from tests.unit.fingerprint.sql_grammar import statements

SURE = [quoting for quoting in Quoting if quoting is not Quoting.UNSURE_TEXT]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE b = 'x' AND c > 12", "SELECT a FROM t WHERE b = '(y), #1 or [y]' AND c > 7.5"),
        ("SELECT a FROM t WHERE b IN ('x', '')", "SELECT a FROM t WHERE b IN ('y', 'z \" `')"),
        ("UPDATE t SET a=1, b='x'::text WHERE id = $1", "UPDATE t SET a=2, b=''::text WHERE id = $1"),
    ],
)
def test_statements_that_differ_in_values_have_one_outline(one: str, other: str) -> None:
    assert outline(one) == outline(other) is not None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t WHERE b = 'it''s' AND c = 'x'",
        "SELECT a FROM t WHERE b = 'it\\'s' OR c = ' OR d = '",
        "SELECT a FROM t WHERE b = E'x' AND c = 'y'",
        "SELECT a FROM t WHERE b = 'x",
        "SELECT a -- it's\nFROM t WHERE b = 'x'",
        "SELECT a /* it's */ FROM t WHERE b = 'x'",
        "SELECT a # it's\nFROM t WHERE b = 'x'",
        "SELECT \"it's\" FROM t WHERE b = 'x'",
        "SELECT [it's] FROM t WHERE b = 'x'",
        "SELECT `it's` FROM t WHERE b = 'x'",
        "SELECT $$it's$$ FROM t WHERE b = 'x'",
        "INSERT INTO t FORMAT CSV 1,'a'",
        "GET user:1",
        '{"find": 1}',
        "SET a = 1",
    ],
)
def test_what_is_in_doubt_has_none(text: str) -> None:
    assert outline(text) is None


@pytest.mark.parametrize("text", ["SELECT a FROM t2 WHERE b = 1", "SELECT a FROM t WHERE b1 = -1", "SELECT a.1 FROM t"])
def test_numbers_in_names_stay(text: str) -> None:
    numbers = iter(range(10))
    assert outline(text) != outline(re.sub(r"\d", lambda _: str(9 - next(numbers)), text))


@pytest.mark.parametrize("seed", range(4))
def test_statements_with_one_outline_are_one_in_every_way_of_quoting(seed: int) -> None:
    chance, found = random.Random(seed), 0
    for _, text in statements(2000, seed):
        brief = outline(text)
        if brief is None:
            continue
        other = re.sub(r"'[^']*'", lambda _: f"'{chance.choice(['', 'a -', ';', '7', '$1', 'FROM x', '?'])}'", text)
        other = re.sub(r"(?<=[ (,=])\d+(?=[ ),])", lambda _: str(chance.randrange(10**6)), other)
        if outline(other) == brief:
            found += other != text
            for quoting in SURE:
                assert normalised(text, quoting) == normalised(other, quoting)
    assert found > 30


PARTS = st.sampled_from(
    [
        *"' '' 'a' \" ` [ ] $ $1 $a$ -- /* */ # \\ E' q'[ 1 22 x , ( ) = : :: @ %s %( ? - . IN FROM ; { }".split(),
        " ",
        "\n",
    ]
)


@given(st.lists(st.tuples(st.lists(PARTS, max_size=9), st.lists(PARTS, max_size=9)), min_size=1, max_size=8))
def test_texts_of_any_signs_with_one_outline_are_one(pairs: list[tuple[list[str], list[str]]]) -> None:
    by_outline = defaultdict(set)
    for one, other in pairs:
        for text in {"".join([*one, *other]), "".join([*one, "'x'", *other]), "".join([*one, "'y'", *other])}:
            for values in ("1", "33"):
                by_outline[outline(f"SELECT {text} {values}")].add(f"SELECT {text} {values}")
    by_outline.pop(None, None)
    for texts in by_outline.values():
        for quoting in SURE:
            assert len({normalised(text, quoting) for text in texts}) == 1, texts
