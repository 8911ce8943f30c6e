"""`offset step()`: the one duration expression we know, and the parser does not."""

import re

from sidecar.model.duration import parse_duration_ms
from sidecar.promql.guard import blanked

_STAND_IN = "292y1ms"
STAND_IN_MS = parse_duration_ms(_STAND_IN)
"""What the parser gets in place of `step()`: nearly the longest duration there is, which no query asks for."""

_STEP = re.compile(r"\boffset\s+(step\s*\(\s*\))", re.IGNORECASE)


def with_stand_ins(text: str) -> str:
    """Return `text` with the duration STAND_IN_MS for each `step()` that is an offset."""
    for match in reversed(list(_STEP.finditer(blanked(text)))):
        text = f"{text[: match.start(1)]}{_STAND_IN}{text[match.end(1) :]}"
    return text
