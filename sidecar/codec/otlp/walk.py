"""Walking protobuf's wire format field by field, without parsing what is inside the fields."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from sidecar.model.errors import MalformedInputError

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """A field of a message: `body[start:end]` with its tag, `body[content:end]` without."""

    number: int
    length_delimited: bool
    start: int
    content: int
    end: int


def fields(body: bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in `body[start:end]`; raise MalformedInputError at the first bad one."""
    position = start
    while position < end:
        tag, content = _varint(body, position, end)
        wire_type = tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, content = _varint(body, content, end)
            after = content + length
        elif wire_type == _VARINT:
            _, after = _varint(body, content, end)
        elif wire_type in (_FIXED64, _FIXED32):
            after = content + (8 if wire_type == _FIXED64 else 4)
        else:
            raise MalformedInputError(f"byte {position}: wire type {wire_type} is not one of protobuf 3")
        if after > end or tag < 8:
            raise MalformedInputError(f"byte {position}: the field ends after its message, or has number 0")
        yield Field(tag >> 3, wire_type == _LENGTH_DELIMITED, position, content, after)
        position = after


def prefix(message: bytes, count: int) -> bytes:
    """Return the first `count` fields of `message`, up to the first bad one: a valid message of its own."""
    end = 0
    try:
        for field in islice(fields(message, 0, len(message)), count):
            end = field.end
    except MalformedInputError:
        pass  # the fields before it are as good as those of a message that ends there
    return message[:end]


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    """Return the number at `position` and the position after it."""
    value = shift = 0
    while position < end and shift < 70:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedInputError(f"byte {position}: a number is cut off or too long")
