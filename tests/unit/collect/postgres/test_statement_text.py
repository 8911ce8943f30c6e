"""Texts of statements: nothing of what was in quotes, and no number, is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.collect.postgres.statement_text import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SELECT * FROM t1 WHERE id = $1 AND n > 10", "SELECT * FROM t1 WHERE id = $1 AND n > ?"),
        ("ALTER ROLE app PASSWORD 'c4nary'", "ALTER ROLE app PASSWORD ?"),
        ("SELECT 'it''s c4nary', b", "SELECT ?, b"),
        (r"SELECT E'it\'s c4nary', b", "SELECT ?, b"),
        (r"SELECT 'C:\', b", "SELECT ?, b"),
        ("SELECT $$c4nary$$, $tag$c4 $$ nary$tag$, a$b$", "SELECT ?, ?, a$b$"),
        ("SELECT U&'c4nary', B'0101', N'c4nary'", "SELECT U&?, B?, N?"),
        ('SELECT "Weird-1", "a""b 2" FROM "T 3"', 'SELECT "Weird-1", "a""b 2" FROM "T 3"'),
        ("SELECT 1.5e-3, .5, 0xFF, -7, 1_000", "SELECT ?, ?, ?, -?, ?"),
        ("SELECT 1 -- c4nary\n + 2 /* c4nary */ + 3", "SELECT ? + ? + ?"),
        ("SELECT /* a /* c4nary */ c4nary */ b", "SELECT b"),
        ("SELECT '/* no comment' || c", "SELECT ? || c"),
        ("SELECT 'c4nary that was cut", "SELECT ?"),
        ("SELECT $x$c4nary that was cut", "SELECT ?"),
        (r"SELECT E'c4nary cut at \\"[:-1], "SELECT E?"),
        ("SELECT 1 /* c4nary that was cut", "SELECT ?"),
        ("SELECT\n\t a,\n  b", "SELECT a, b"),
    ],
)
def test_literals_and_comments_are_gone_and_names_are_left(text: str, shown: str) -> None:
    assert masked(text, 200) == shown


def test_long_text_is_cut() -> None:
    assert masked("SELECT abcdefghij", 10) == "SELECT ab…"
    assert masked("SELECT abc", 10) == "SELECT abc"


@given(st.text())
def test_quoted_text_never_shows(secret: str) -> None:
    quoted = secret.replace("'", "''")
    assert masked(f"ALTER ROLE app PASSWORD '{quoted}' VALID", 10_000) == "ALTER ROLE app PASSWORD ? VALID"


@given(st.text(alphabet="a1'\"$/*-eE\\ \n", max_size=40))
def test_any_text_has_an_end(text: str) -> None:
    assert len(masked(text, 30)) <= 30
