"""JSON values as protobuf's scalars.

More is taken than the mapping of proto3 allows, and nothing is guessed: integers as numbers or strings, enumerations as
integers or names, NaN and the infinities as strings, base64 of both alphabets. Ids are hexadecimal in any case and may
have any length, as in protobuf, where nobody looks at it either: OTLP lets a receiver take an id it calls invalid.
"""

import struct
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from google.protobuf.descriptor import FieldDescriptor

from sidecar.codec.otlp.wire import FIXED32, FIXED64, LENGTH_DELIMITED, VARINT, varint

_HEXADECIMAL = frozenset({"trace_id", "span_id", "parent_span_id"})
_URL_SAFE = str.maketrans("-_", "+/")
_64_BITS = (1 << 64) - 1


class Scalar(NamedTuple):
    """How one kind of scalar is written: its wire type, and its content, for which ValueError says what is wrong."""

    wire_type: int
    content: Callable[[Any], bytes]
    zero: bytes
    """The content that stands for "not set" where a field has no presence of its own."""

    def framed(self, content: bytes) -> bytes:
        """Return `content` as it stands after the tag of a field."""
        return varint(len(content)) + content if self.wire_type == LENGTH_DELIMITED else content


def scalar_of(field: FieldDescriptor) -> Scalar:
    """Return how `field`, or each of its items, is written."""
    if field.type == field.TYPE_ENUM:
        return Scalar(VARINT, _enumeration({name: value.number for name, value in _names_of(field)}), b"\0")
    if field.type == field.TYPE_BYTES and field.name in _HEXADECIMAL:
        return Scalar(LENGTH_DELIMITED, _hexadecimal, b"")
    return _SCALARS[field.type]


def integer(value: Any) -> int:
    """Return a number without a fraction, which may stand in a string; raise ValueError."""
    try:
        return msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError("not an integer") from error


def _names_of(field: FieldDescriptor) -> Any:
    assert field.enum_type is not None
    return field.enum_type.values_by_name.items()


def _fixed_integer(layout: str) -> Callable[[Any], bytes]:
    pack = struct.Struct(layout).pack

    def content(value: Any) -> bytes:
        try:
            return pack(integer(value))
        except struct.error as error:
            raise ValueError("out of range") from error

    return content


def _varint_of(layout: str, zigzag: bool = False) -> Callable[[Any], bytes]:
    in_range = _fixed_integer(layout)

    def content(value: Any) -> bytes:
        in_range(value)
        number = integer(value)
        if zigzag:
            number = -2 * number - 1 if number < 0 else 2 * number
        return varint(number & _64_BITS)

    return content


def _enumeration(numbers: dict[str, int]) -> Callable[[Any], bytes]:
    by_number = _varint_of("<i")

    def content(value: Any) -> bytes:
        return by_number(numbers.get(value, value) if isinstance(value, str) else value)

    return content


def _double(value: Any) -> bytes:
    try:
        return struct.pack("<d", msgspec.convert(value, float, strict=False))
    except msgspec.ValidationError as error:
        raise ValueError("not a number") from error


def _boolean(value: Any) -> bytes:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return b"\1" if value else b"\0"


def _text(value: Any) -> bytes:
    return _string(value).encode()


def _base64(value: Any) -> bytes:
    text = _string(value).translate(_URL_SAFE)
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error


def _hexadecimal(value: Any) -> bytes:
    text = _string(value)
    try:
        return unhexlify(text)
    except ValueError as error:
        raise ValueError("not hexadecimal") from error


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


_FIXED_ZEROS = {FIXED64: bytes(8), FIXED32: bytes(4), VARINT: b"\0", LENGTH_DELIMITED: b""}

_SCALARS = {
    kind: Scalar(wire_type, content, _FIXED_ZEROS[wire_type])
    for kind, wire_type, content in (
        (FieldDescriptor.TYPE_BOOL, VARINT, _boolean),
        (FieldDescriptor.TYPE_BYTES, LENGTH_DELIMITED, _base64),
        (FieldDescriptor.TYPE_DOUBLE, FIXED64, _double),
        (FieldDescriptor.TYPE_FIXED32, FIXED32, _fixed_integer("<I")),
        (FieldDescriptor.TYPE_FIXED64, FIXED64, _fixed_integer("<Q")),
        (FieldDescriptor.TYPE_INT32, VARINT, _varint_of("<i")),
        (FieldDescriptor.TYPE_INT64, VARINT, _varint_of("<q")),
        (FieldDescriptor.TYPE_SFIXED64, FIXED64, _fixed_integer("<q")),
        (FieldDescriptor.TYPE_SINT32, VARINT, _varint_of("<i", zigzag=True)),
        (FieldDescriptor.TYPE_STRING, LENGTH_DELIMITED, _text),
        (FieldDescriptor.TYPE_UINT32, VARINT, _varint_of("<I")),
        (FieldDescriptor.TYPE_UINT64, VARINT, _varint_of("<Q")),
    )
}
"""The scalars that OTLP uses."""
