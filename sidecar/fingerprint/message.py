"""Messages without what differs from one occurrence to the next."""

import re

LONGEST = 1024
"""Characters of a message that are looked at."""

_CLOCK = r"\d\d?:\d\d:\d\d(?:[.,]\d++)?"
_FORMS = {
    "url": r"\b[a-zA-Z][a-zA-Z+.-]{1,15}://[^\s'\"<>)\]]++",
    "email": r"(?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)+",
    "uuid": r"\b[\da-fA-F]{8}-?(?:[\da-fA-F]{4}-?){3}[\da-fA-F]{12}\b",
    "time": rf"\b\d{{4}}-\d\d?-\d\d?(?:[T ]{_CLOCK}(?: ?(?:Z|[+-]\d\d:?\d\d))?)?|\b{_CLOCK}",
    "address": r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d++)?\b",
    "hex": r"\b0[xX][\da-fA-F]++|\b(?=[a-f]*+\d)(?=\d*+[a-f])[\da-f]{8,}+\b|\b(?=[A-F]*+\d)(?=\d*+[A-F])[\dA-F]{8,}+\b",
    "value": r"(?<!\w)'(?:[^'\n\\]|\\.)*+'(?!\w)|(?<!\w)\"(?:[^\"\n\\]|\\.)*+\"|(?<!\w)`[^`\n]*+`",
    "path": r"(?<![\w.<])(?:[a-zA-Z]:\\|~?/|\.{1,2}/)[^\s'\":,;()<>]++",
    "id": r"(?<![\w-])(?=[\w-]*?[^\W\d]\d\w*?[^\W\d])[\w-]{6,}+",
    "number": r"(?:(?<![\w.])[-+]|(?<![\d.]))\d++(?:[.,_]\d++)*+(?:[eE][-+]?\d++)?",
}
"""What is replaced by its name, in the sequence in which it is tried at each place."""
_PATTERN = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()))


def normalised(message: str) -> str:
    """Return `message` with `<number>`, `<uuid>`, `<value>` (anything in quotes) and the like, and single spaces.

    Two occurrences of one problem should be equal then, and two problems should not. For telling apart, not for hiding.
    """
    return " ".join(_PATTERN.sub(_name_of, message[:LONGEST]).split())


def _name_of(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"
