"""One SQL statement as an operator wrote it: without what follows it, and inside limits on its rows."""

import re
from collections.abc import Iterator

TOTAL = "sidecar_rows_in_all"
DATABASE = "sidecar_database"
OWN_COLUMNS = frozenset({TOTAL, DATABASE})
"""What `limited` adds to each row."""

_LIMITED = """
SELECT *, pg_catalog.count(*) OVER () AS {total}, pg_catalog.current_database() AS {database}
  FROM (
{statement}
) AS sidecar_query
 LIMIT {rows}
"""
_FIRST_ROW = """
SELECT *
  FROM (
{statement}
) AS sidecar_query
 LIMIT 1
"""
_TABLES = frozenset({"select", "with", "values", "table", "("})
_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
      | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$\w*\$).*?(?P=tag)
      | \w+ | .""",
    re.DOTALL | re.VERBOSE,
)


def one_statement(text: str) -> str:
    """Return `text` without the semicolon and the comments after it; raise ValueError unless it is one statement."""
    tokens = list(_tokens(text))
    while tokens and text[tokens[-1]] == ";":
        tokens.pop()
    if not tokens:
        raise ValueError("there is no statement")
    if any(text[token] == ";" for token in tokens):
        raise ValueError("more than one statement; a query is a single one")
    return text[tokens[0].start : tokens[-1].stop]


def limited(statement: str, rows: int) -> str:
    """Return `statement` with at most so many `rows`, each of which says how many there are and in which database.

    The server counts the rest and does not send it. What is no table, such as SHOW, stays as it is.
    """
    if not _is_table(statement):
        return statement
    return _LIMITED.format(total=TOTAL, database=DATABASE, statement=statement, rows=rows)


def first_row(statement: str) -> str:
    """Return `statement` with no more than one row, unless it is no table, such as SHOW."""
    return _FIRST_ROW.format(statement=statement) if _is_table(statement) else statement


def _is_table(statement: str) -> bool:
    return statement[next(_tokens(statement))].lower() in _TABLES


def _tokens(text: str) -> Iterator[slice]:
    """Yield where each token of `text` stands; comments and white space are none."""
    for match in _TOKEN.finditer(text):
        if match["skip"] is None:
            yield slice(*match.span())
