"""What is refused before the parser sees it, because the parser would end the process or be wrong."""

import re

from sidecar.model.errors import QueryError
from sidecar.promql.copy_cost import copy_cost
from sidecar.promql.regex_cost import compile_cost

MAX_LENGTH = 16 * 1024
MAX_NESTING = 100
"""Brackets within brackets; the parser overflows the stack of the process at some thousands."""
MAX_OPERATORS = 1000
"""Operators, signs and matchers in all; the parser recurses over every one."""
MAX_COST_MICROSECONDS = 40_000
"""Of compiling all regular expressions and of handing over the tree together, which nothing can interrupt; plain text
of the longest query stays below."""

QUOTED_OR_COMMENT = re.compile(
    r"""(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|'(?:[^'\\]|\\.)*(?:'|\\?\Z)|`[^`]*(?:`|\Z)|#[^\n]*)""", re.DOTALL
)
"""What is not closed reaches to the end: looking for an end from each quote anew would take a second."""
_OPERATOR = re.compile(r"[-+*/%^=<>!~]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_NEGATIVE_AT = re.compile(r"@\s*-\s*[\d.]")
"""Reading it from the parser panics, with a stack trace on standard error."""
_BYTE_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\x[89a-fA-F]")
"""A byte of UTF-8 in Go; the parser takes it for a code point."""


def bad_expression(text: str, message: str, token: str = "") -> QueryError:
    """Return the error for `text`, at the place of `token` where it occurs in it."""
    return bad_expression_at(text, len(text) if "end of input" in message else _place(text, token), message)


def bad_expression_at(text: str, offset: int, message: str) -> QueryError:
    """Return the error for `text` at `offset`, told as line and column like Prometheus does."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return QueryError("bad_data", f"{line}:{column}: parse error: {message}")


def blanked(text: str) -> str:
    """Return `text` with spaces in place of quoted texts and comments."""
    return QUOTED_OR_COMMENT.sub(lambda match: " " * len(match[0]), text)


def _place(text: str, token: str) -> int:
    """Return where `token` begins as a word outside of quotes, else where it begins at all, else 0."""
    if not token:
        return 0
    word = re.search(rf"(?<![\w:]){re.escape(token)}(?![\w:])", blanked(text))
    return word.start() if word else max(text.find(token), 0)


def check(text: str) -> int:
    """Return about how many microseconds the parser takes; raise QueryError for a text that it must not get."""
    if len(text.encode(errors="surrogatepass")) > MAX_LENGTH:
        raise bad_expression(text, f"the expression is longer than {MAX_LENGTH} bytes")
    if _BYTE_ESCAPE.search(text):
        raise bad_expression(text, "a \\x escape beyond ASCII is not supported", "\\x")
    cost = compile_cost(QUOTED_OR_COMMENT.findall(text))
    if cost > MAX_COST_MICROSECONDS:
        raise bad_expression(text, "the regular expressions are too large", "=~")
    bare = blanked(text)
    cost += copy_cost(bare)
    if cost > MAX_COST_MICROSECONDS:
        raise bad_expression(text, "there are too many operators in a row")
    if _NEGATIVE_AT.search(bare):
        raise bad_expression(text, "a negative timestamp after @ is not supported", "@")
    if len(_OPERATOR.findall(bare)) > MAX_OPERATORS:
        raise bad_expression(text, f"there are more than {MAX_OPERATORS} operators")
    if _nesting(bare) > MAX_NESTING:
        raise bad_expression(text, f"brackets are nested deeper than {MAX_NESTING} levels")
    return cost


def _nesting(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest
