"""JSON as we answer it: always valid, whatever peers have put into texts and numbers.

What JSON cannot have becomes something that every reader understands: NaN and the infinities `null`, halves of
surrogate pairs U+FFFD, bytes base64.
"""

import re
from typing import Any

import msgspec

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def json_bytes(value: Any) -> bytes:
    """Return `value` as JSON in UTF-8."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # so rare that the usual answer does not pay for looking
        return msgspec.json.encode(_valid(value))


def json_text(value: Any) -> str:
    """Return `value` as JSON."""
    return json_bytes(value).decode()


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_valid(key): _valid(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_valid, value)]
    return value
