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
        for system in {quoting, Quoting.UNSURE if quoting is not Quoting.UNSURE_TEXT else quoting}:
            found = normalised(text, system)
            assert CANARY not in found, (quoting, text)
            assert "7777" not in found, (quoting, text)


def test_what_is_no_literal_is_kept() -> None:
    for quoting, text in statements(1000, 11):
        found = normalised(text, quoting)
        if "/*" not in text and "--" not in text and "$" not in text and "unsure" not in quoting.value:
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
        (
            Quoting.BIGQUERY,
            "SELECT '''it's c''', \"\"\"a \"b\" c\"\"\", r'x', '', b\"\" FROM t",
            "SELECT ?, ?, ?, ?, b? FROM t",
        ),
        (Quoting.UNSURE, 'SELECT a FROM t WHERE b = """say "c4nary" x""" AND d', "SELECT a FROM t WHERE b = ?"),
        (Quoting.UNSURE, "SELECT '', 'a' FROM t", "SELECT ?, ? FROM t"),
        (Quoting.UNSURE_TEXT, "x{a=`b \"c4nary\" d`, e=~'f'} #`", "x{a=?, e=~?}"),
        (
            Quoting.SQLITE,
            'INSERT INTO "t" ("a") VALUES ("c4nary", 1), ("it\'s", 2)',
            'INSERT INTO "t" ("a") VALUES (?, ?)',
        ),
        (
            Quoting.SQLITE,
            'SELECT "a" FROM t WHERE "b" = "c4nary" OR c IN ("x","y")',
            'SELECT "a" FROM t WHERE "b" = ? OR c IN (?)',
        ),
        (
            Quoting.SQLITE,
            'SELECT 1 FROM "t" JOIN "u" ON "t"."a" = "u"."b"',
            'SELECT ? FROM "t" JOIN "u" ON "t"."a" = "u"."b"',
        ),
        (
            Quoting.SQLITE,
            'SELECT a FROM t WHERE b LIKE "c4nary%" AND c BETWEEN "d" AND "e"',
            "SELECT a FROM t WHERE b LIKE ? AND c BETWEEN ? AND ?",
        ),
        (Quoting.UNSURE, 'SELECT "a" FROM "t" WHERE b = "c4nary"', 'SELECT "a" FROM "t" WHERE b = ?'),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO t FORMAT CSV\nc4nary,it's c4nary\nc4nary", "INSERT INTO t FORMAT CSV ?"),
        ("INSERT INTO t (a) format JSONEachRow {c4nary: c4nary}", "INSERT INTO t (a) format JSONEachRow ?"),
        ("INSERT INTO t SELECT a FROM u FORMAT TabSeparated", "INSERT INTO t SELECT a FROM u FORMAT TabSeparated"),
        ("COPY t (a) FROM STDIN WITH (FORMAT csv);\nc4nary\t2\n\\.", "COPY t (a) FROM STDIN WITH (FORMAT csv); ?"),
        ("EXPLAIN (FORMAT JSON) SELECT a FROM t", "EXPLAIN (FORMAT JSON) SELECT a FROM t"),
        ("SELECT a FROM t FORMAT JSON", "SELECT a FROM t FORMAT JSON"),
        ("INSERT INTO t VALUES ('x FORMAT CSV c4nary', 1)", "INSERT INTO t VALUES (?"),
    ],
)
def test_data_in_the_text_is_one_value(text: str, expected: str) -> None:
    for quoting in (Quoting.BACKSLASH, STANDARD, Quoting.UNSURE):
        assert normalised(text, quoting) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ALTER USER a IDENTIFIED BY c4nary$1 REPLACE "old c4nary"', "ALTER USER a IDENTIFIED BY ? REPLACE ?"),
        (
            'create user a identified by "c4nary" default tablespace x',
            "create user a identified by ? default tablespace x",
        ),
        ("ALTER USER a IDENTIFIED WITH p BY 'c4nary'", "ALTER USER a IDENTIFIED WITH p BY ?"),
        ("CREATE USER a IDENTIFIED BY VALUES 'c4nary'", "CREATE USER a IDENTIFIED BY VALUES ?"),
        ("CREATE USER a IDENTIFIED EXTERNALLY", "CREATE USER a IDENTIFIED EXTERNALLY"),
        ('CREATE USER a PASSWORD "c4nary" NO FORCE', "CREATE USER a PASSWORD ? NO FORCE"),
        ("CREATE LOGIN a WITH PASSWORD = c4nary, b = 1", "CREATE LOGIN a WITH PASSWORD = ?, b = ?"),
        ("ALTER USER a PASSWORD EXPIRE NEVER", "ALTER USER a PASSWORD EXPIRE NEVER"),
        ("ALTER TABLE user ADD password text", "ALTER TABLE user ADD password text"),
        ('ALTER USER a PASSWORD "c4nary', "ALTER USER a PASSWORD ?"),
    ],
)
def test_a_password_is_a_value_however_it_is_written(text: str, expected: str) -> None:
    assert normalised(text, STANDARD) == expected
    assert "c4nary" not in sanitised(text, STANDARD)
    assert "c4nary" not in masked(text)


def test_a_statement_is_cut_without_showing_an_open_literal() -> None:
    text = f"SELECT {'x, ' * (LONGEST // 3)} '{CANARY * LONGEST}'"
    assert CANARY not in normalised(text, STANDARD)
    assert len(normalised(text, STANDARD)) <= LONGEST
