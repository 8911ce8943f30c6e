"""The same request in other bytes: fields in another order, and fields that nobody knows."""

from collections.abc import Iterator
from typing import NamedTuple

NESTED = {"request": {1: "resource_spans"}, "resource_spans": {1: "leaf", 2: "scope_spans"}}
NESTED |= {"scope_spans": {1: "leaf", 2: "span"}, "span": {9: "key_value", 11: "event", 13: "leaf", 15: "leaf"}}
NESTED |= {"event": {3: "key_value"}, "key_value": {}, "leaf": {}}
"""Messages within messages, by the numbers of their fields. Attributes stay as every encoder writes them."""
UNKNOWN = b"\xc2\x3e\x04new!" + b"\xc8\x3e\x96\x01" + b"\xd1\x3e" + bytes(8) + b"\xdd\x3e" + bytes(4)
"""Fields 1000 to 1003, of each wire type."""


class _Field(NamedTuple):
    number: int
    raw: bytes
    content: bytes | None


def with_fields_reversed(body: bytes) -> bytes:
    """Return a request whose messages have their fields in reverse, those that repeat in their order."""
    return _rewritten(body, "request", reverse=True)


def with_unknown_fields(body: bytes) -> bytes:
    """Return a request whose messages begin and end with fields that no version of OTLP has."""
    return _rewritten(body, "request", reverse=False)


def _rewritten(message: bytes, kind: str, *, reverse: bool) -> bytes:
    if kind == "key_value":
        return message
    fields = [_inner(field, kind, reverse=reverse) for field in _fields(message)]
    if not reverse:
        return UNKNOWN + b"".join(field.raw for field in fields) + UNKNOWN
    by_number = sorted(fields, key=lambda field: -field.number)  # stable: repeated fields stay in order
    return b"".join(field.raw for field in by_number)


def _inner(field: _Field, kind: str, *, reverse: bool) -> _Field:
    inner = NESTED[kind].get(field.number)
    if inner is None or field.content is None:
        return field
    content = _rewritten(field.content, inner, reverse=reverse)
    return field._replace(raw=_varint(field.number << 3 | 2) + _varint(len(content)) + content)


def _fields(message: bytes) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        key, after = _read_varint(message, at)
        content = None
        match key & 7:
            case 0:
                _, end = _read_varint(message, after)
            case 1:
                end = after + 8
            case 2:
                length, start = _read_varint(message, after)
                end = start + length
                content = message[start:end]
            case _:
                end = after + 4
        yield _Field(key >> 3, message[at:end], content)
        at = end


def _varint(number: int) -> bytes:
    head = bytearray()
    while number > 127:
        head.append(number & 127 | 128)
        number >>= 7
    return bytes([*head, number])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while data[at] & 128:
        number |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1
