"""Numbers of payment cards, which are known from other numbers by their beginning, length and check digit."""

import re
from string import ascii_letters

CANDIDATE = r"(?:\b|[A-Za-z_])[2-6](?:(?:[ \t+\x{a0}\x{2009}\x{202f}\x{2010}-\x{2014}-]|%20)?\d){12,40}(?:\b|_)"
"""In RE2's syntax. Spaces and dashes as people, pages and forms write them."""
_MOST_PARTS = 12
_CARD = re.compile(r"4\d{12}(?:\d{3}(?:\d{3})?)?|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}|6\d{15,18}")
_SEPARATED = re.compile(r"%20|\D")
_LENGTHS = (19, 18, 17, 16, 15, 14, 13)


def has_card(candidate: str) -> bool:
    """Return whether there is the number of a card in `candidate`, digits that may be parted; in doubt it is one."""
    parts = _SEPARATED.split(candidate.strip(f"{ascii_letters}_"))
    if len(parts) > _MOST_PARTS:
        return True
    digits = ["".join(parts[first:last]) for first in range(len(parts)) for last in range(first + 1, len(parts) + 1)]
    return any(_is_card(text) for text in digits if len(text) in _LENGTHS)


def _is_card(digits: str) -> bool:
    if not _CARD.fullmatch(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
