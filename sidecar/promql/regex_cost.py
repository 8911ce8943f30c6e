"""How long the regular expressions of a query take to compile, told from their text alone.

Two engines compile them, the parser's and RE2, and neither can be stopped: a class of Unicode letters takes a third of
a millisecond, and `{1000}` makes a thousand of it.
"""

import re
from collections.abc import Iterable

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<repeat>\{(?P<least>\d+)(?:,(?P<most>\d*))?\})|(?P<open>\()|(?P<close>\))"
    r"|(?P<quantifier>[?*+])|(?P<atom>\\[pPx]\{[^}]*\}|\\[pP].|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|.)",
    re.DOTALL,
)
_CLASS = re.compile(r"\\[pPwWdD]")
_PLAIN = 2
_QUANTIFIER = 5
_CLASSES = {"p": 400, "w": 400, "d": 60}


def compile_cost(literals: Iterable[str]) -> int:
    """Return about how many microseconds it takes to compile `literals`, quotes included, as regular expressions."""
    return sum(_cost(_unquoted(literal)) for literal in literals)


def _unquoted(literal: str) -> str:
    inner = literal[1:-1]
    return inner if literal.startswith("`") else _ESCAPE.sub(_unescaped, inner)


def _unescaped(escape: re.Match[str]) -> str:
    hexadecimal = escape[1] or escape[2] or escape[3]
    if hexadecimal or escape[4]:
        return chr(min(int(hexadecimal, 16) if hexadecimal else int(escape[4], 8), 0x10FFFF))
    return escape[5]


def _cost(pattern: str) -> int:
    """Return the cost of `pattern`: that of its atoms, as often as they are repeated, groups within groups."""
    outer: list[int] = []
    total = last = 0
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            outer.append(total)
            total = last = 0
        elif token["close"]:
            last = total
            total += outer.pop() if outer else 0
        elif token["repeat"]:
            times = max(int(token["least"]), int(token["most"] or 0), 1) if len(token["repeat"]) < 10 else 10**6
            total += last * (times - 1)
            last *= times
        elif token["quantifier"]:
            total += _QUANTIFIER
            last += _QUANTIFIER
        else:
            last = _PLAIN + sum(_CLASSES[found[1].lower()] for found in _CLASS.findall(token["atom"]))
            total += last
    return total + sum(outer)
