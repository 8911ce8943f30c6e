"""Strings in double quotes where these hold names: SQLite takes a name that no column has for a string."""

import re

_QUOTED = r"\"[^\"]*+\"(?!\s*+\.)"
_BETWEEN = re.compile(rf"(?i)(\bBETWEEN\s++)(?:\?|{_QUOTED})\s++AND\s++(?:\?|{_QUOTED})")
_COMPARED = re.compile(rf"(?i)((?:[=<>]|\b(?:LIKE|GLOB|MATCH|REGEXP)\b)\s*+){_QUOTED}")
_ROW = r"\((?:[^()\"]|\"[^\"]*+\")*+(?:\)|\Z)"
_LISTED = re.compile(rf"(?i)(\b(?:VALUES|IN)\s*+)({_ROW}(?:\s*+,\s*+{_ROW})*+)")
"""Lists of values, or rows of them."""
_ITEM = re.compile(_QUOTED)


def without_misquoted(text: str) -> str:
    """Return `text`, whose literals are `?` already, with `?` for such strings where values stand as a rule.

    The name of a column may stand there too, but seldom does so without that of its table.
    """
    if '"' not in text:
        return text
    text = _COMPARED.sub(r"\1?", _BETWEEN.sub(r"\1? AND ?", text))
    return _LISTED.sub(lambda match: match[1] + _ITEM.sub("?", match[2]), text)
