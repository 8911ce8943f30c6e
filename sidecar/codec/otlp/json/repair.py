"""JSON text that is not quite text: what would make a parser refuse all of it becomes U+FFFD."""

import codecs
import re

from sidecar.model.steps import Steps

_PIECE_BYTES = 256 << 10
_PIECE_ESCAPES = 2000

_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped surrogate after an even number of backslashes; the group is there if it is a pair, as it should be."""
_REPLACEMENT = b"\\ufffd"


def repaired(text: bytes) -> Steps[bytes]:
    """Return `text` without invalid UTF-8 and without halves of surrogate pairs."""
    return (yield from _whole_pairs((yield from _valid_utf8(text))))


def _valid_utf8(text: bytes) -> Steps[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    result = bytearray()
    for start in range(0, len(text), _PIECE_BYTES):
        result += decoder.decode(text[start : start + _PIECE_BYTES]).encode()
        yield
    result += decoder.decode(b"", final=True).encode()
    return bytes(result)


def _whole_pairs(text: bytes) -> Steps[bytes]:
    result = bytearray()
    end = 0
    for number, match in enumerate(_SURROGATE.finditer(text)):
        if match.group(1) is None:
            result += text[end : match.end() - len(_REPLACEMENT)] + _REPLACEMENT
            end = match.end()
        if number % _PIECE_ESCAPES == 0:
            yield
    return bytes(result + text[end:])
