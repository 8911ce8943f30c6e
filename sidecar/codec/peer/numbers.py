"""Numbers that a peer wrote, in text or in JSON: as the number they are, or None.

Python's own readers take more than a peer may write (`1_000`, digits of every script, white space) and raise in more
ways than one: ValueError, OverflowError, and ValueError again for more digits than it likes.
"""

import re

MOST_DIGITS = 20
"""Of a whole number: what 64 bits hold."""
MOST_CHARACTERS = 1100
"""Of any other number: the longest exact value of a double has 1,075 digits."""
INT64 = range(-(2**63), 2**63)

_WHOLE = re.compile(rf"[-+]?[0-9]{{1,{MOST_DIGITS}}}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?(?:inf|infinity|nan)", re.IGNORECASE)


def whole_number_of(text: str) -> int | None:
    """Return the whole number that `text` is, in decimal digits with or without a sign; None if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def number_of(text: str) -> float | None:
    """Return the number that `text` is: decimal, with or without an exponent, or an infinity or NaN by its name.

    None if it is none. So are a number that no double can hold, `1e400`, one in another base, and one with anything
    around it: that is for the caller to take away, who knows what may stand there.
    """
    if len(text) > MOST_CHARACTERS:
        return None
    if _SPECIAL.fullmatch(text):
        return float(text)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) != float("inf") else None


def json_integer_of(value: object) -> int | None:
    """Return the 64-bit integer that `value` is in the JSON of protobuf: a number, or a string of one; else None."""
    match value:
        case bool():
            return None
        case int():
            whole: int | None = value
        case float():
            whole = int(value) if value.is_integer() else None
        case str():
            whole = whole_number_of(value)
        case _:
            return None
    return whole if whole is not None and whole in INT64 else None
