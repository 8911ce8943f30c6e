"""One statement with one, two or three values in a list is one query, in the grammar of every driver."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.sql import LONGEST, Quoting, normalised

STANDARD, UNSURE = Quoting.STANDARD, Quoting.UNSURE


@pytest.mark.parametrize(
    "value",
    [
        "?",
        "?{n}",
        "${n}",
        "${n}::INTEGER",
        "${n}::character varying(20)",
        '${n}::public."My Type"[]',
        "${n}::timestamp with time zone",
        ":{n}",
        ":name_{n}",
        "@p{n}",
        "@__city_{n}",
        "%s",
        "%s::uuid",
        "%(name)s",
        "%(id_{n})s::INTEGER",
        "{{name_{n}:UInt64}}",
        "{{p{n}:Array(Nullable(String))}}",
        "${{{n}}}",
        "#{{id_{n}}}",
        "#{{list[{n}].id,jdbcType=INTEGER}}",
        "CAST(? AS INT)",
        "CAST(${n} AS varchar(20))",
        "TRY_CAST(@p{n} AS DECIMAL(10,2))",
        "DATE '2026-01-0{n}'",
        "TIMESTAMP WITH TIME ZONE '2026-01-0{n} 00:00'",
        "INTERVAL '{n}' DAY",
        "'{n} days'::interval",
        "-{n}",
        "+{n}.5",
        "- {n}",
        "{n}e-7",
        "0x{n}f",
        "E'it\\'s {n}'",
        "U&'d\\006{n}'",
        "B'10{n}'",
        "X'1F{n}'",
        "N'x{n}'",
        "$$it's {n}$$",
        "$tag$it's {n}$tag$",
        "'ünï ''{n}'''",
        "(${n})",
        "true",
        "NULL",
    ],
)
def test_any_number_of_values_is_one(value: str) -> None:
    for quoting in (STANDARD, Quoting.BRACKETS, UNSURE):
        found = set()
        for number in range(4):
            values = [value.format(n=n + 1) for n in range(number)]
            found |= {
                normalised(f"SELECT a FROM t WHERE a IN ({', '.join(values)}) ORDER BY a", quoting),
                normalised(f"SELECT a FROM t WHERE a IN ({','.join(values)}) ORDER BY a;", quoting),
                normalised(f"SELECT a FROM t WHERE a IN (\n  {f',{chr(10)}  '.join(values)}\n) ORDER BY a", quoting),
            }
        assert found == {"SELECT a FROM t WHERE a IN (?) ORDER BY a"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a = ANY(ARRAY[1::int])", "a = ANY(ARRAY[1::int, 2::int])", "a = ANY(ARRAY[])"], "a = ANY(ARRAY[?])"),
        (["a IN (true, NULL, - 1)", "a IN (false)", "a IN (1, 'x', $3::int)"], "a IN (?)"),
        (["(a, b) IN ((1, 2))", "(a, b) IN (($1, $2), ($3, NULL), (5, -6))"], "(a, b) IN ((?, ?))"),
        (["VALUES ($1, now())", "VALUES ($1, now()), ($2, now())"], "VALUES (?, now())"),
        (["VALUES ROW(1, 2)", "VALUES ROW(1, 2), ROW(3, 4)"], "VALUES ROW(?, ?)"),
        (["VALUES (f(g(h(1))))", "VALUES (f(g(h(1)))), (f(g(h(2))))"], "VALUES (f(g(h(?))))"),
        (["a IN (lower($1))", "a IN (lower($1), lower($2), lower($3))"], "a IN (lower(?))"),
        (["ARRAY[ROW(1, 2)]", "ARRAY[ROW(1, 2), ROW(3, 4)]"], "ARRAY[ROW(?, ?)]"),
        (["ARRAY[ARRAY[1, 2]]", "ARRAY[ARRAY[1, 2], ARRAY[3, 4]]"], "ARRAY[ARRAY[?]]"),
        (["a IN ('x'::text COLLATE \"C\")", "a IN ('x'::text COLLATE \"C\", 'y')"], "a IN (?)"),
        (
            [
                "INSERT ALL INTO t (a) VALUES (1) SELECT b FROM u",
                "INSERT ALL INTO t (a) VALUES (1) INTO t (a) VALUES (2) SELECT b FROM u",
            ],
            "INSERT ALL INTO t (a) VALUES (?) SELECT b FROM u",
        ),
        (["n.id IN [1]", "n.id IN [1, 2, 3]"], "n.id IN [?]"),
        (["ORDER BY FIELD(id, 1)", "ORDER BY FIELD(id, 1, 2, 3)"], "ORDER BY FIELD(id, ?)"),
        (["SELECT 1, 2", "SELECT 1, 2 UNION ALL SELECT 3, 4 UNION ALL SELECT 5, 6"], "SELECT ?, ?"),
    ],
)
def test_lists_of_every_kind_are_one(texts: list[str], expected: str) -> None:
    assert {normalised(text, STANDARD) for text in texts} == {expected}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["UPDATE t SET a = NULL, b = TRUE", "UPDATE t SET a = 5, b = 'x'", "UPDATE t SET a = -5, b = - 6"],
            "UPDATE t SET a = ?, b = ?",
        ),
        (["a IS NULL"], "a IS NULL"),
        (["a IS NOT TRUE"], "a IS NOT TRUE"),
        (["a int NOT NULL DEFAULT NULL"], "a int NOT NULL DEFAULT NULL"),
        (['"null" = true'], '"null" = ?'),
        (["LIMIT 5 OFFSET -1", "LIMIT 5 OFFSET 1"], "LIMIT ? OFFSET ?"),
        (["UPDATE t SET stock = stock-1", "UPDATE t SET stock = stock-$1"], "UPDATE t SET stock = stock-?"),
        (["UPDATE t SET stock = stock+1"], "UPDATE t SET stock = stock+?"),
        (["a - -1", "a - 1"], "a - ?"),
        (["SELECT/**/1", "SELECT 1;", "SELECT 1 /* traceparent='00-ab-01',x='y' */;", "SELECT 1 -- c"], "SELECT ?"),
        (["/* a /* b /* c */ */ */ SELECT 1"], "SELECT ?"),
        (["a = U&'x' UESCAPE '!'", "a = U&'x'"], "a = ?"),
        (["a = 'x'\n 'y'", "a = 'x'"], "a = ?"),
        (["a <@ b AND c @> d AND @@x = 1"], "a <@ b AND c @> d AND @@x = ?"),
    ],
)
def test_constants_signs_and_comments_are_read_as_a_server_reads_them(texts: list[str], expected: str) -> None:
    assert {normalised(text, STANDARD) for text in texts} == {expected}


@pytest.mark.parametrize(
    "values",
    [
        ", ".join("?" * 20_000),
        ", ".join(f"${number}" for number in range(1, 20_000)),
        ",".join(f"${number}::INTEGER" for number in range(1, 10_000)),
        ", ".join(f"'name {number}'" for number in range(5_000)),
        ", ".join(str(number) for number in range(10_000)),
    ],
    ids=["question marks", "numbered", "cast", "strings", "numbers"],
)
def test_a_list_of_any_length_is_one_with_what_comes_after_it(values: str) -> None:
    assert len(values) > LONGEST
    assert normalised(f"SELECT a FROM t WHERE a IN ({values}) AND b = 1", STANDARD) == normalised(
        "SELECT a FROM t WHERE a IN (1) AND b = 1", STANDARD
    )


def test_rows_of_any_number_are_one_with_what_comes_after_them() -> None:
    rows = ", ".join(f"(%(a__{number})s, %(b__{number})s)" for number in range(3000))
    assert (
        normalised(f"INSERT INTO t VALUES {rows} RETURNING id", STANDARD) == "INSERT INTO t VALUES (?, ?) RETURNING id"
    )


@given(st.lists(st.sampled_from(["'a'", "1", "$1", "it''s", "(", ")", ",", "'", '"', "--", "\\", " "]), max_size=40))
def test_shortening_a_long_text_shows_nothing_that_was_hidden(parts: list[str]) -> None:
    long = ", 'c4nary'" * 1500
    for quoting in Quoting:
        assert "c4nary" not in normalised(f"SELECT '{''.join(parts)}{long}".replace("it''s", "x"), quoting) or any(
            "'" in part for part in parts
        )


@pytest.mark.parametrize(
    ("text", "quoting", "expected"),
    [
        (
            'SELECT "a"."id" FROM "books" AS "a" WHERE "a"."id" = 1',
            UNSURE,
            'SELECT "a"."id" FROM "books" AS "a" WHERE "a"."id" = ?',
        ),
        ('SELECT "a" FROM "b" WHERE c = \'it\\\'s x\'', Quoting.MYSQL, 'SELECT "a" FROM "b" WHERE c = ?'),
        ('SELECT a FROM t WHERE b = "mail FROM" AND c = "secret"', UNSURE, "SELECT a FROM t WHERE b = ? AND c = ?"),
        ('SELECT a FROM t WHERE b = \'FROM "x"\' AND c = "secret"', UNSURE, "SELECT a FROM t WHERE b = ? AND c = ?"),
    ],
)
def test_names_in_double_quotes_are_known_by_where_they_stand(text: str, quoting: Quoting, expected: str) -> None:
    assert normalised(text, quoting) == expected


def test_cypher_keeps_labels_and_no_value() -> None:
    text = (
        "MATCH (n:Person {name: 'bob', age: 3})-[:KNOWS]->(:City) WHERE n.id IN [1, 2] AND n.x = $x // it's\nRETURN n"
    )
    expected = "MATCH (n:Person {name: ?, age: ?})-[:KNOWS]->(:City) WHERE n.id IN [?] AND n.x = ? RETURN n"
    assert normalised(text, Quoting.CYPHER) == expected
