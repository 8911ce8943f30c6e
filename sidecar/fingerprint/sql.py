"""SQL without its literals: statements that differ only in values become one."""

import re
from enum import Enum

LONGEST = 8192
"""Characters of a statement that are looked at; where it is cut, an open literal counts as one to the end."""


class Quoting(Enum):
    """How a database reads quotes; told apart because a string that is misread shows what comes after it."""

    STANDARD = "standard"
    """Double quotes hold identifiers, a backslash is a character like others outside of E'...'."""
    BRACKETS = "brackets"
    """Standard, and brackets hold identifiers."""
    BACKSLASH = "backslash"
    """A backslash escapes a quote, double quotes hold identifiers."""
    MYSQL = "mysql"
    """A backslash escapes a quote, double quotes hold strings, # starts a comment."""
    UNSURE = "unsure"
    """Any may be meant: double quotes hold strings, and where it is in doubt whether a string begins or ends, what
    follows is left out."""


_SYSTEMS = {
    Quoting.STANDARD: "postgresql cockroachdb redshift aws.redshift timescaledb yugabytedb edb oracle oracle.db sqlite "
    "db2 ibm.db2 h2 h2database hsqldb derby teradata trino firebird firebirdsql vertica cassandra other_sql",
    Quoting.BRACKETS: "mssql microsoft.sql_server sqlserver",
    Quoting.BACKSLASH: "clickhouse snowflake",
    Quoting.MYSQL: "mysql mariadb tidb gcp.bigquery bigquery hive spark databricks",
}
_QUOTING = {system: quoting for quoting, systems in _SYSTEMS.items() for system in systems.split()}
"""Values of `db.system.name`, and of `db.system` before it."""


def _quoted(quote: str, escape: str, end: str) -> str:
    """Return what a string or identifier in `quote` looks like; `end` is what closes it."""
    plain = rf"[^{quote}\\]*+" if escape else f"[^{quote}]*+"
    inner = f"{quote}{quote}|{escape}" if escape else f"{quote}{quote}"
    return rf"{quote}{plain}(?:(?:{inner}){plain})*+{end}"


def _string(quote: str, escape: str) -> str:
    """Return what a literal in `quote` looks like; without its end it goes to that of the text."""
    return _quoted(quote, escape, rf"(?:{quote}|\\?\Z)")


_PLAIN = r"[^\W\d][\w$.]*+(?!'|-[\da-fA-F]{4}-)|[\s(),*=<>;]++"
"""What most of a statement is: words that begin no string or UUID, and signs that begin nothing."""
_ANY_ESCAPED = r"\\."
_COMMENT_PART = r"[^*/]|\*(?!/)|/(?!\*)"
_COMMENT = rf"--[^\n]*+|/\*(?:{_COMMENT_PART}|/\*(?:{_COMMENT_PART})*+\*/)*+\*/|/\*.*+"
_NUMBER = r"[-+]?\.?\d(?:[eE][-+]\d|[\w.])*+"
_UUID = r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}"  # stands without quotes in Cassandra
_PLACEHOLDER = r"\$\d\w*+|(?<![:\w]):\w++|%s|%\(\w++\)s"
_DOLLAR_QUOTED = r"(?P<tag>\$(?:[^\W\d]\w*+)?\$).*?(?:(?P=tag)|\Z)"
_BRACKETED = r"\[.*?(?:\]'|\Z)|\{.*?(?:\}'|\Z)|<.*?(?:>'|\Z)|\(.*?(?:\)'|\Z)"
_ORACLE_QUOTED = rf"[nN]?[qQ]'(?:{_BRACKETED}|(?P<sign>\S).*?(?:(?P=sign)'|\Z))"
_PREFIX = r"(?:[uU]&|[^\W\d]\w*+)?"


def _odd_quotes(plain: str) -> str:
    """Return what holds an odd number of quotes between parts of `plain`."""
    return f"{plain}'(?:{plain}'{plain}')*+{plain}"


_ODD_NAME, _ODD_LINE = _odd_quotes(r"[^\[\]']*+"), _odd_quotes(r"[^\n']*+")
_DOUBTFUL = rf"\[{_ODD_NAME}\].*+|\#{_ODD_LINE}(?:\n.*+|\Z)"
"""A name or a comment, where only some databases have such, and otherwise the beginning of a string."""


def _pattern(quoting: Quoting) -> re.Pattern[str]:
    escape = {
        Quoting.BACKSLASH: _ANY_ESCAPED,
        Quoting.MYSQL: _ANY_ESCAPED,
        Quoting.UNSURE: r"\\[^'\"]|\\['\"].*+",
    }.get(quoting, "")
    kept = [_quoted("`", "", "`")]
    literals = [
        *(_UUID, _NUMBER, _PLACEHOLDER, _ORACLE_QUOTED, _DOLLAR_QUOTED),
        "[eE]" + _string("'", _ANY_ESCAPED),
        _PREFIX + _string("'", escape),
        *(_string('"', escape), _string("`", "")),
    ]
    gap = _COMMENT
    if quoting in (Quoting.MYSQL, Quoting.UNSURE):
        gap += r"|\#[^\n]*+"
    if quoting is Quoting.UNSURE:
        gap = f"(?:{_DOUBTFUL})|{gap}"
        kept.append(_quoted('"', "", r'"(?=\s*+:(?!:))'))  # a key of JSON
    elif quoting is not Quoting.MYSQL:
        kept.append(_quoted('"', "", '"'))
    if quoting is Quoting.BRACKETS:
        kept.append(r"\[[^\[\]]*+\]")
    token = rf"(?P<gap>{gap})|(?P<kept>{'|'.join(kept)})|{'|'.join(literals)}|(?P<sole>.)|\Z"
    return re.compile(rf"(?P<plain>(?:{_PLAIN})*+)(?:{token})", re.DOTALL)


_PATTERNS = {quoting: _pattern(quoting) for quoting in Quoting}
_ROW = r"\((?:[^()]|\([^()]*+\))*+\)"
_VALUE_LISTS = re.compile(
    r"(?P<list>\b(?:IN\s*+\(|ARRAY\s*+\[)\s*+(?P<value>\?|\([?,\s]++\)))(?:\s*+,\s*+(?P=value))++"
    rf"|(?P<values>\bVALUES?\s*+{_ROW})(?:\s*+,\s*+{_ROW})++",
    re.IGNORECASE,
)


def quoting_of(system: str) -> Quoting:
    """Return how the database that a span calls `system` quotes."""
    return _QUOTING.get(system, Quoting.UNSURE)


def sanitised(sql: str, quoting: Quoting = Quoting.UNSURE) -> str:
    """Return `sql` with `?` for each literal and placeholder and without comments; white space and case stay.

    Lists of values after IN are one `?`, of several rows after VALUES the first stays. A sign before a number belongs
    to it. What cannot be read, such as a string without an end, counts as a literal. Takes linear time. The form is
    that of the OpenTelemetry conventions for `db.query.text`.
    """
    text = _PATTERNS[quoting].sub(_replaced, sql[:LONGEST])
    return _VALUE_LISTS.sub(r"\g<list>\g<values>", text)


def normalised(sql: str, quoting: Quoting = Quoting.UNSURE) -> str:
    """Return `sanitised` with single spaces: what statements are told apart by."""
    return " ".join(sanitised(sql, quoting).split())


def _replaced(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind in ("kept", "sole"):
        return match[0]
    return match["plain"] if kind == "gap" or match.end() == match.end("plain") else match["plain"] + "?"
