"""What tells a statement from others, but for values: where a look at few signs is enough to know."""

import re

from sidecar.fingerprint.sql import LONGEST, has_data

_BEGIN = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|WITH|select|insert|update|delete|with)\s")
# Each begins with the sign that is looked for, as that takes a tenth of the time; what stands before it comes second.
_DOUBTFUL = re.compile(r"[\"`\[{#/$](?<!\$(?=[0-9]))(?<!/(?![/*]))")
"""What begins a comment, a name or another kind of string, in some databases at least."""
_STRING = re.compile(r"'(?<=[\s=(,<>].)(?=[\s,);:])")
_NUMBER = re.compile(r"[0-9](?<=[\s=(,<>].)[0-9]*+(?:\.[0-9]++)?+(?![^\s,);])")


def outline(text: str) -> str | None:
    """Return what two statements have in common only if `statement.normalised` is the same for both; None if unsure.

    It costs a tenth of that. It is the text with all strings and most numbers taken out, and not known where somebody
    may read the quotes of the text in another way.
    """
    if len(text) > LONGEST or "--" in text or "\\" in text or not _BEGIN.match(text) or has_data(text):
        return None
    parts = text.split("'")
    outside = "'".join(parts[::2])
    are_strings = len(parts) % 2 == 1 and len(_STRING.findall(f"{outside} ")) == len(parts) // 2
    if not are_strings or _DOUBTFUL.search(outside):
        return None
    return _NUMBER.sub("0", outside)
