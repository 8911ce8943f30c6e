"""The tokens of SQL and its relatives: what in a text is a value, by the way a database quotes."""

import re
from collections.abc import Mapping
from enum import Enum
from functools import cache


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
    BIGQUERY = "bigquery"
    """As MYSQL, and what stands between three quotes is a string, in which single ones may stand."""
    SQLITE = "sqlite"
    """As STANDARD, but double quotes that hold no name of a column hold a string."""
    MYSQL_ANSI = "mysql_ansi"
    """As MYSQL, but double quotes hold identifiers."""
    CYPHER = "cypher"
    """A backslash escapes a quote, double quotes hold strings, // starts a comment, a colon starts a label."""
    UNSURE = "unsure"
    """Any may be meant: double quotes hold strings, and where it is in doubt whether a string begins or ends, what
    follows is left out."""
    UNSURE_NAMES = "unsure_names"
    """As UNSURE, but double quotes hold identifiers, or strings as in SQLITE."""
    UNSURE_TEXT = "unsure_text"
    """As UNSURE, but no SQL: backquotes hold strings too, as in PromQL and LogQL."""


WITH_NAMES: Mapping[Quoting, Quoting] = {
    Quoting.MYSQL: Quoting.MYSQL_ANSI,
    Quoting.BIGQUERY: Quoting.BIGQUERY,
    Quoting.UNSURE: Quoting.UNSURE_NAMES,
    Quoting.UNSURE_TEXT: Quoting.UNSURE_TEXT,
}
"""The way of quoting that a text has in truth which holds a name in double quotes, such as `FROM "users"`."""

_STANDARDS = (Quoting.STANDARD, Quoting.SQLITE)
_DOUBTFUL_QUOTES = {Quoting.UNSURE, Quoting.UNSURE_NAMES, Quoting.UNSURE_TEXT}
_HASH_COMMENTS = {Quoting.MYSQL, Quoting.MYSQL_ANSI, Quoting.BIGQUERY, *_DOUBTFUL_QUOTES}
_FLAT_COMMENTS = {Quoting.MYSQL, Quoting.MYSQL_ANSI, Quoting.BIGQUERY, Quoting.CYPHER}
"""Where a comment does not hold another one."""
_QUOTED_STRINGS = {Quoting.MYSQL, Quoting.BIGQUERY, Quoting.CYPHER, Quoting.UNSURE, Quoting.UNSURE_TEXT}
"""Where double quotes hold strings."""


def _quoted(quote: str, escape: str, end: str) -> str:
    """Return what a string or identifier in `quote` looks like; `end` is what closes it."""
    plain = rf"[^{quote}\\]*+" if escape else f"[^{quote}]*+"
    inner = f"{quote}{quote}|{escape}" if escape else f"{quote}{quote}"
    return rf"{quote}{plain}(?:(?:{inner}){plain})*+{end}"


def _string(quote: str, escape: str) -> str:
    """Return what a literal in `quote` looks like; without its end it goes to that of the text."""
    return _quoted(quote, escape, rf"(?:{quote}|\\?\Z)")


_THREE_QUOTES = "|".join(
    rf"{quote * 3}(?:[^{quote}\\]|\\.|{quote}(?!{quote * 2}))*+(?:{quote * 3}|\\?\Z)" for quote in ("'", '"')
)
_PERHAPS_THREE_QUOTES = "|".join(rf"{quote * 3}(?!{quote}).*+" for quote in ("'", '"'))
"""A string between three quotes, or one that begins with a quote itself: where it ends is in doubt."""
_PLAIN = r"(?![uU]&')[^\W\d][\w$.]*+(?!'|-[\da-fA-F]{4}-)|[\s(),*=<>;]++"
"""What most of a statement is: words that begin no string or UUID, and signs that begin nothing."""
_ANY_ESCAPED = r"\\."
_NESTED = 6
"""Comments in comments that are followed; what is nested more deeply is read as a comment to the end."""
_NUMBER = r"(?P<minus>[-+])?\.?\d(?:[eE][-+]\d|[\w.])*+"
_UUID = r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}"  # stands without quotes in Cassandra
_TYPED = r"\{\s*+\w++\s*+:\s*+[A-Za-z]\w*+(?:\((?:[^(){}]|\([^(){}]*+\))*+\))?\s*+\}"
_PLACEHOLDERS = {
    "numbered": r"\?\d++",
    "dollar": r"\$\w++|\$\{[^{}\n]*+\}",
    "percent": r"%s(?!\w)|(?<![\w)\]\"])%[bt](?!\w)|%\([^()\n]*+\)[a-zA-Z](?!\w)",
    "braces": r"\{=?\w++\}",
    "mapped": r"#\{[\w.\[\],= :]*+\}",
    "escape": r"\{\s*+(?:[tT][sS]|[dDtT])\s*+'[^']*+'\s*+\}",
}
"""What drivers and mappers put in the place of a value, whichever the database: `?1`, `$1`, `${1}`, `%s`, `%(name)s`,
`{name}`, `#{name}`, `{ts '...'}` of JDBC and ODBC; `?` itself stays as it is."""
_COLON = r"(?<![:\w]):\w++"
_AT = r"(?<![\w@|&~!#^])@\w++"
_AT_BUT_CONTAINED = r"(?<![\w@|&~!#^<])@\w++"
"""The same where `<@` is an operator."""
_DOLLAR_QUOTED = r"(?P<tag>\$(?:[^\W\d]\w*+)?\$).*?(?:(?P=tag)|\Z)"
_BRACKETED = r"\[.*?(?:\]'|\Z)|\{.*?(?:\}'|\Z)|<.*?(?:>'|\Z)|\(.*?(?:\)'|\Z)"
_ORACLE_QUOTED = rf"[nN]?[qQ]'(?:{_BRACKETED}|(?P<sign>\S).*?(?:(?P=sign)'|\Z))"
_PREFIX = r"(?:[uU]&|[^\W\d]\w*+)?"
_CONTINUED = r"(?:[ \t\r]*+\n\s*+'[^']*+(?:''[^']*+)*+(?:'|\Z))*+"
"""A string that goes on in the next line, as the standard has it."""


def _odd_quotes(plain: str) -> str:
    """Return what holds an odd number of quotes between parts of `plain`."""
    return f"{plain}'(?:{plain}'{plain}')*+{plain}"


_ODD_NAME, _ODD_LINE = _odd_quotes(r"[^\[\]']*+"), _odd_quotes(r"[^\n']*+")
_DOUBTFUL = (
    rf"\[{_ODD_NAME}\].*+|\#{_ODD_LINE}(?:\n.*+|\Z)"
    rf"|//(?=[^\n']{{,500}}'){_ODD_LINE}(?:\n.*+|\Z)"  # a limit, because what is no comment may come very often
)
"""A name or a comment, where only some databases have such, and otherwise the beginning of a string."""


def _comment(quoting: Quoting) -> str:
    if quoting in _FLAT_COMMENTS:
        block = r"/\*.*?(?:\*/|\Z)"
    else:
        part = r"[^*/]|\*(?!/)|/(?!\*)"
        block = rf"/\*(?:{part})*+\*/"
        for _ in range(_NESTED):
            block = rf"/\*(?:{part}|{block})*+\*/"
        block += r"|/\*.*+"
    line = "//" if quoting is Quoting.CYPHER else "--"
    return rf"{line}[^\n]*+|{block}"


def _literals(quoting: Quoting) -> list[str]:
    escape, between_three = _ANY_ESCAPED, list[str]()
    if quoting in (*_STANDARDS, Quoting.BRACKETS):
        escape = ""
    elif quoting in _DOUBTFUL_QUOTES:
        escape = r"\\[^'\"]|\\['\"].*+"
        between_three = [_PERHAPS_THREE_QUOTES]
    elif quoting is Quoting.BIGQUERY:
        between_three = [f"{_PREFIX}(?:{_THREE_QUOTES})"]
    names = [_AT_BUT_CONTAINED if quoting in _STANDARDS else _AT]
    if quoting is not Quoting.CYPHER:
        names += [_COLON, _TYPED]
    return [
        *(_UUID, _NUMBER, _ORACLE_QUOTED, _DOLLAR_QUOTED, *_PLACEHOLDERS.values(), *names),
        *between_three,
        "[eE]" + _string("'", _ANY_ESCAPED),
        _PREFIX + _string("'", escape) + (_CONTINUED if quoting in _STANDARDS else ""),
        *([rf"(?P<double>{_string(chr(34), escape)})"] if quoting in _QUOTED_STRINGS else [_string('"', escape)]),
        _string("`", ""),
    ]


@cache
def pattern_of(quoting: Quoting) -> re.Pattern[str]:
    """Return what a text is read by, made when it is first asked for, because making one takes 5 ms.

    Each match is `plain` text that stays and then one token: a `gap`, something `kept`, a `sole` character, or else a
    literal or placeholder. A literal in double quotes is `double` too, and `minus` is the sign before a number.
    """
    kept = [] if quoting is Quoting.UNSURE_TEXT else [_quoted("`", "", "`")]
    gap = _comment(quoting)
    if quoting in _HASH_COMMENTS:
        gap += rf"|\#(?!{_PLACEHOLDERS['mapped'][1:]})[^\n]*+"
    if quoting in _DOUBTFUL_QUOTES:
        gap = f"(?:{_DOUBTFUL})|{gap}"
        kept.append('(?!""")' + _quoted('"', "", r'"(?=\s*+:(?!:))'))  # a key of JSON
    if quoting not in _QUOTED_STRINGS:
        kept.append(_quoted('"', "", '"'))
    if quoting is Quoting.BRACKETS:
        kept.append(r"\[[^\[\]]*+\]")
    token = rf"(?P<gap>{gap})|(?P<kept>{'|'.join(kept)})|{'|'.join(_literals(quoting))}|(?P<sole>.)|\Z"
    return re.compile(rf"(?P<plain>(?:{_PLAIN})*+)(?:{token})", re.DOTALL)
