"""Taking secrets out of texts that people will read: error messages, labels, log lines."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import quote

HIDDEN = "***"

Redact: TypeAlias = Callable[[str, Any], Any]
"""Takes the key and the value of an attribute, and returns the value as it may be stored and shown. It is asked about
each value in a list or map; the key of one in a map is that of the map, a dot and its own."""

_QUOTED_OR_WORD = r"""'(?:\\.|''|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s&;,'"]+"""
_NO_DEFAULT = r"(?!(?:-default}|[-?=+]?\.\.\.}?)`)"
"""Not what messages about `${DB_PASSWORD:-default}` show in place of a default."""
_ASSIGNMENT = re.compile(
    rf"""(?P<key>\b\w*(?:password|passwd|pwd|secret|token)\b|\bpass\b)(?P<sign>["']?\s*[=:]\s*)"""
    rf"""{_NO_DEFAULT}(?:{_QUOTED_OR_WORD})""",
    re.IGNORECASE,
)
# Up to the last @ of the word: an unescaped @ or / in a password is what most malformed DSNs are about.
_URL_CREDENTIALS = re.compile(r"""(?P<scheme>[A-Za-z][\w+.-]*://)[^\s'"]*@""")
_BARE_CREDENTIALS = re.compile(r"""(?<![\w/@])[^\s:@'"=/]*:(?!//)[^\s'"]*@(?=[\w\[/])""")


def unmasked(_: str, value: Any) -> Any:
    """Return `value`: where nothing is secret."""
    return value


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without credentials.

    Covers URLs, `?password=`, `password=...` and `password: ...` in any quoting, and DSNs that are not well formed.
    `secrets` are hidden wherever they stand, as they are and percent-encoded.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    text = _ASSIGNMENT.sub(rf"\g<key>\g<sign>{HIDDEN}", text)
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _BARE_CREDENTIALS.sub(f"{HIDDEN}@", text)
