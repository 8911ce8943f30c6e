"""JSON text that is not quite text: what would make a parser refuse all of it becomes U+FFFD."""

import codecs
import re

from sidecar.model.errors import MalformedInputError
from sidecar.model.steps import Steps

MOST_GROWTH_BYTES = 1 << 20
"""How much longer text may become, where each invalid byte becomes three: half a million are no mistake of a few."""

_PIECE_BYTES = 256 << 10
_PIECE_ESCAPES = 2000

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""A backslash and what it stands before; the group is there if that is one half of a surrogate pair."""
_REPLACEMENT = b"\\ufffd"


def repaired(text: bytes) -> Steps[bytes]:
    """Return `text` without invalid UTF-8 and without halves of surrogate pairs.

    Raises MalformedInputError if it would be longer by more than MOST_GROWTH_BYTES.
    """
    return (yield from _whole_pairs((yield from _valid_utf8(text))))


def _valid_utf8(text: bytes) -> Steps[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    result = bytearray()
    for start in range(0, len(text), _PIECE_BYTES):
        result += decoder.decode(text[start : start + _PIECE_BYTES]).encode()
        if len(result) - min(start + _PIECE_BYTES, len(text)) > MOST_GROWTH_BYTES:
            raise MalformedInputError("the JSON is not text in UTF-8")
        yield
    result += decoder.decode(b"", final=True).encode()
    return bytes(result)


def _whole_pairs(text: bytes) -> Steps[bytes]:
    if b"\\u" not in text:
        return text
    result = bytearray()
    end = 0
    for number, match in enumerate(_ESCAPE.finditer(text)):
        if match.group(1) is not None:
            result += text[end : match.start()] + _REPLACEMENT
            end = match.end()
        if number % _PIECE_ESCAPES == 0:
            yield
    return bytes(result + text[end:])
