"""Durations as Prometheus writes them: `1h30m`, units from years to milliseconds, whole numbers only."""

import re

_UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in _UNITS_MS))

LONGEST_MS = (2**63 - 1) // 1_000_000
"""Prometheus keeps a duration as nanoseconds in 64 bits; a longer one is an error there, so here too."""


def parse_duration_ms(text: str) -> int:
    """Return `text` in milliseconds; raise ValueError, in Prometheus' words, for anything it would not take."""
    if text == "0":
        return 0
    if not text:
        raise ValueError("empty duration string")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f'not a valid duration string: "{text}"')
    total = sum(int(count) * _UNITS_MS[unit] for unit, count in match.groupdict().items() if count)
    if total > LONGEST_MS:
        raise ValueError("duration out of range")
    return total


def format_duration(milliseconds: int) -> str:
    """Return a duration as Prometheus prints it, such as `1h30m`; years and weeks only when they divide it."""
    if milliseconds == 0:
        return "0s"
    parts, rest = [], milliseconds
    for unit, size in _UNITS_MS.items():
        if unit in "yw" and rest % size:
            continue
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)
