"""How long the parser takes to hand over its tree, told from the text alone.

It reads in no time, but each node it hands over carries a copy of all that is below it: a chain of a thousand operators
is copied half a thousand times, for 200 ms in which nothing else runs, and takes as many times the memory.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<regex>[=!]~)|(?P<set>\b(?:and|or|unless)\b)"
    r"|(?P<operator>[-+*/%^]|[=!<>]=?|\batan2\b)|(?P<word>[\w:.]+)",
    re.IGNORECASE,
)
_REGEX = 12
"""A regular expression takes as long to copy as so many other tokens."""
_MICROSECONDS = 0.08
"""To copy a token once; most trees take half of what comes out, since a chain is copied bit by bit."""


@dataclass(slots=True)
class _Level:
    """What stands between two brackets: operators around operands, and `and`, `or` and `unless` around those."""

    is_chain: bool
    tokens: int = 1
    sets: int = 0
    part: int = 0
    operators: int = 0

    def end_part(self) -> int:
        """Return how many tokens are copied for the operators since the last `or`."""
        copied = self.part * self.operators
        self.tokens += self.part
        self.part = self.operators = 0
        return copied

    def end(self) -> int:
        """Return how many tokens are copied for what is not told yet."""
        return self.end_part() + self.tokens * (self.sets + 1)


def copy_cost(bare: str) -> int:
    """Return about how many microseconds the tree of `bare` takes, an expression whose quoted texts are blank."""
    copied, levels = 0, [_Level(is_chain=True)]
    for token in _TOKEN.finditer(bare):
        level = levels[-1]
        if token["open"]:
            levels.append(_Level(is_chain=token["open"] != "{"))
        elif token["close"] and len(levels) > 1:
            copied += level.end()
            levels.pop()
            levels[-1].part += level.tokens
        elif token["set"] and level.is_chain:
            copied += level.end_part()
            level.tokens += 1
            level.sets += 1
        else:
            level.part += _REGEX if token["regex"] else 1
            level.operators += bool(token["operator"]) and level.is_chain
    return round((copied + sum(level.end() for level in levels)) * _MICROSECONDS)
