"""What Prometheus reads and the parser does not, rewritten so that it does: `offset step()` and `1_000`."""

import re

from sidecar.model.duration import parse_duration_ms
from sidecar.promql.guard import blanked

_STAND_IN = "292y1ms"
STAND_IN_MS = parse_duration_ms(_STAND_IN)
"""What the parser gets in place of `step()`: nearly the longest duration there is, which no query asks for."""

_STEP = re.compile(r"\boffset\s+(step\s*\(\s*\))", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![\w:.])(\.?\d[\w.]*_[\w.]*)", re.ASCII)


def for_the_parser(text: str) -> str:
    """Return `text` with STAND_IN_MS for each `step()` that is an offset, and numbers without underscores."""
    places = [(match.span(1), _STAND_IN) for match in _STEP.finditer(blanked(text))]
    places += [(match.span(1), match[1].replace("_", "")) for match in _DIGITS.finditer(blanked(text))]
    for (start, end), words in sorted(places, reverse=True):
        text = text[:start] + words + text[end:]
    return text
