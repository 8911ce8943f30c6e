"""Templates of what a regular expression found, as Go's `regexp.Expand` reads them."""

import re
from typing import Any

_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def expanded(template: str, match: Any) -> str:
    """Return `template` with `$1`, `${1}` and `$name` replaced by groups of `match`; unknown groups are empty."""
    if "$" not in template:
        return template
    groups = {str(index): text or "" for index, text in enumerate((match.group(0), *match.groups()))}
    groups.update((name, text or "") for name, text in match.groupdict().items())

    def replacement(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        return groups.get(name, "") if name else "$"

    return _REFERENCE.sub(replacement, template)
