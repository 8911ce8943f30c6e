"""Label matchers as they stand between the braces of a selector."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import re2  # type: ignore[import-untyped] # google-re2 ships no types
from typing_extensions import override

_MAX_MEMORY = 1 << 20
"""Of one expression, compiled; RE2 keeps the last 128, and a list of a thousand names takes an eighth of it."""


class MatchOp(StrEnum):
    """The four ways to compare a label's value; the value is how PromQL writes it."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Asks for series whose label `name` compares to `value`; an absent label has the value ``""``."""

    name: str
    op: MatchOp
    value: str

    @override
    def __str__(self) -> str:
        """Return the matcher as PromQL prints it, without escaping."""
        return f'{self.name}{self.op}"{self.value}"'

    def predicate(self) -> Callable[[str], bool]:
        """Return the test of one label value; raise ValueError when the value is not a valid RE2 expression."""
        if self.op is MatchOp.EQUAL:
            return self.value.__eq__
        if self.op is MatchOp.NOT_EQUAL:
            return self.value.__ne__
        pattern = anchored_regex(self.value)
        if self.op is MatchOp.REGEX:
            return lambda text: pattern.fullmatch(text) is not None
        return lambda text: pattern.fullmatch(text) is None


def anchored_regex(text: str) -> Any:
    """Return `text` as an RE2 expression in which a dot matches a newline; meant for `fullmatch`.

    Raises ValueError with RE2's reason. RE2 runs in linear time, so a hostile expression cannot hang a query.
    """
    options = re2.Options()
    options.dot_nl = True
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"error parsing regexp: {reason}") from error
