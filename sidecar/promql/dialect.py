"""What Prometheus reads and the parser does not, rewritten so that it does: `offset step()`, `1_000`, raw strings."""

import re

from sidecar.model.duration import parse_duration_ms
from sidecar.promql.guard import QUOTED_OR_COMMENT, blanked

_STAND_IN = "292y1ms"
STAND_IN_MS = parse_duration_ms(_STAND_IN)
"""What the parser gets in place of `step()`: nearly the longest duration there is, which no query asks for."""

_STEP = re.compile(r"\boffset\s+(step\s*\(\s*\))", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![\w:.])(\.?\d[\w.]*_[\w.]*)", re.ASCII)


def for_the_parser(text: str) -> str:
    """Return `text` with STAND_IN_MS for each `step()` that is an offset, and numbers without underscores.

    A string in backticks gets quotes: the parser looks for escapes in it, which it does not have.
    """
    places = [(match.span(1), _STAND_IN) for match in _STEP.finditer(blanked(text))]
    places += [(match.span(1), match[1].replace("_", "")) for match in _DIGITS.finditer(blanked(text))]
    raw = (match for match in QUOTED_OR_COMMENT.finditer(text) if re.fullmatch("`[^`]*`", match[0]))
    places += [(match.span(), _quoted(match[0][1:-1])) for match in raw]
    for (start, end), words in sorted(places, reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
