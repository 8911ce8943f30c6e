"""SQL without its literals."""

import json
import re
import tracemalloc
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.sql import LONGEST, Quoting, normalised, quoting_of, sanitised
from sidecar.fingerprint.statement import masked
from tests.unit.fingerprint.sql_grammar import CANARY, statements

STANDARD, MYSQL = Quoting.STANDARD, Quoting.MYSQL


def test_the_official_cases_pass(shared_data: Path) -> None:
    cases = json.loads((shared_data / "otlp/db-sql-test-cases.json").read_text())
    wrong = {
        case["name"]
        for case in cases
        if sanitised(case["input"]["query"], quoting_of(case["input"]["db.system.name"]))
        not in case["expected"]["db.query.text"]
    }
    assert len(cases) == 24
    assert not wrong


@pytest.mark.parametrize("seed", range(10))
def test_no_literal_of_ten_thousand_statements_is_kept(seed: int) -> None:
    for quoting, text in statements(1000, seed):
        for system in {quoting, Quoting.UNSURE}:
            found = normalised(text, system)
            assert CANARY not in found, (quoting, text)
            assert "7777" not in found, (quoting, text)


def test_what_is_no_literal_is_kept() -> None:
    for quoting, text in statements(1000, 11):
        found = normalised(text, quoting)
        if "/*" not in text and "--" not in text and "$" not in text and quoting is not Quoting.UNSURE:
            assert found.split()[0] == text.split()[0]
            assert ("WHERE" in found) == ("WHERE" in text), (text, found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 'it''s', E'it\\'s', N'x', $$a'b$$, $t$ $$ $t$, q'[it's]'", "SELECT ?, ?, ?, ?, ?, ?"),
        ('SELECT "Odd 1" FROM "it\'s" WHERE "a""b"=1', 'SELECT "Odd 1" FROM "it\'s" WHERE "a""b"=?'),
        ("SELECT $1, $22, :name, %s, %(pk_1)s, ?", "SELECT ?, ?, ?, ?, ?, ?"),
        ("SELECT a::int4, b->>'k', c->0, d[1:2], v$session.x", "SELECT a::int4, b->>?, c->?, d[?:?], v$session.x"),
        ("SELECT a-1, a - 1, a*-1, 1e-5, 0x1F, .5, t1.c2", "SELECT a-?, a - ?, a*?, ?, ?, ?, t1.c2"),
        ("WHERE a IN ($1, $2, $3) OR b in(1,2)", "WHERE a IN (?) OR b in(?)"),
        ("WHERE (a, b) IN ((1, 2), (3, 4))", "WHERE (a, b) IN ((?, ?))"),
        ("WHERE a = ANY(ARRAY[1, 2, 3])", "WHERE a = ANY(ARRAY[?])"),
        ("INSERT INTO t VALUES (1, now()), (2, now()) RETURNING id", "INSERT INTO t VALUES (?, now()) RETURNING id"),
        ("SELECT coalesce(1, 2)", "SELECT coalesce(?, ?)"),
        ("SELECT 1 /* a /* b */ c */ -- x\n + 2", "SELECT ? + ?"),
        ("SELECT\n\t1 ", "SELECT ?"),
        ("SELECT 'open", "SELECT ?"),
        ('SELECT "open WHERE a = 1', "SELECT ?"),
        ("SELECT 1 /* open 'x'", "SELECT ?"),
        ("", ""),
    ],
)
def test_standard_sql_is_read_by_its_rules(text: str, expected: str) -> None:
    assert normalised(text, STANDARD) == expected


@pytest.mark.parametrize(
    ("quoting", "text", "expected"),
    [
        (MYSQL, "SELECT 'it\\'s x', \"a\\\"b\", `it's` # it's", "SELECT ?, ?, `it's`"),
        (Quoting.BRACKETS, "SELECT [it's] FROM [t 1] WHERE a='x'", "SELECT [it's] FROM [t 1] WHERE a=?"),
        (Quoting.BACKSLASH, "SELECT 'a\\'b', \"c\"", 'SELECT ?, "c"'),
        (Quoting.UNSURE, "a = 'C:\\' AND b = 'x'", "a = ?"),
        (Quoting.UNSURE, 'a = "x" AND b = 1', "a = ? AND b = ?"),
        (Quoting.UNSURE, '{"find": "users", "filter": {"age": 42}}', '{"find": ?, "filter": {"age": ?}}'),
    ],
)
def test_every_way_of_quoting_is_known(quoting: Quoting, text: str, expected: str) -> None:
    assert normalised(text, quoting) == expected


@pytest.mark.parametrize(
    ("system", "quoting"),
    [("postgresql", STANDARD), ("microsoft.sql_server", Quoting.BRACKETS), ("mysql", MYSQL), ("?", Quoting.UNSURE)],
)
def test_a_system_decides_how_quotes_are_read(system: str, quoting: Quoting) -> None:
    assert quoting_of(system) is quoting


def test_batches_of_any_size_are_one_statement() -> None:
    row = "($1, $2, DEFAULT)"
    texts = {normalised(f"INSERT INTO t (a, b, c) VALUES {', '.join([row] * size)}", STANDARD) for size in (1, 2, 50)}
    assert texts == {"INSERT INTO t (a, b, c) VALUES (?, ?, DEFAULT)"}


@given(st.text(max_size=200), st.sampled_from(Quoting))
def test_any_text_has_a_normal_form_that_is_not_longer_than_its_signs(text: str, quoting: Quoting) -> None:
    assert len(normalised(text, quoting)) <= len(text)


@given(st.text(alphabet="ab'\"`\\$/*-# \n[](),.:%1eEqQN?{}", max_size=60), st.sampled_from(Quoting))
def test_a_normal_form_has_no_number_outside_of_names(text: str, quoting: Quoting) -> None:
    assert not re.search(r"""(?<![\w"'`\[$.])1""", re.sub(r'"[^"]*"|`[^`]*`|\[[^\]]*\]', "", normalised(text, quoting)))


@given(st.text(alphabet=st.characters(exclude_characters="'\\"), max_size=50))
def test_a_string_is_gone_whatever_is_in_it(text: str) -> None:
    for quoting in Quoting:
        assert normalised(f"SELECT '{text}' FROM t", quoting) == "SELECT ? FROM t"


@pytest.mark.parametrize(
    "part",
    ["'", '"', "(", "/*", "$$", "$a", "q'[", "q'!", "1e+", "\\'", "[a", "IN (1,", "VALUES (1), ", "a.1", ":a", "`"],
)
@pytest.mark.parametrize("quoting", Quoting)
def test_hostile_repetitions_cost_no_memory_and_end(part: str, quoting: Quoting) -> None:
    tracemalloc.start()
    normalised(part * LONGEST, quoting)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "part", ["//", "#{a", "{", "[{", " ", "\n", "+?", "IN (f(1), ", "SELECT 1 UNION ALL ", "/* a */ "]
)
def test_hostile_repetitions_of_any_length_take_a_moment(part: str) -> None:
    started = process_time()
    masked(part * (300_000 // len(part)))
    assert process_time() - started < 2


def test_a_statement_is_cut_without_showing_an_open_literal() -> None:
    text = f"SELECT {'x, ' * (LONGEST // 3)} '{CANARY * LONGEST}'"
    assert CANARY not in normalised(text, STANDARD)
    assert len(normalised(text, STANDARD)) <= LONGEST
