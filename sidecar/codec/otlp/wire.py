"""Writing protobuf's wire format."""

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
"""Wire types: how the content of a field is written."""

_SHORT = 1 << 14
_SHORT_LENGTHS = tuple(bytes([n]) if n < 0x80 else bytes([n & 0x7F | 0x80, n >> 7]) for n in range(_SHORT))


def varint(value: int) -> bytes:
    """Return `value`, 0 to 2^64 - 1, in base 128, lowest digits first."""
    if value < _SHORT:
        return _SHORT_LENGTHS[value]
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def tag(number: int, wire_type: int) -> bytes:
    """Return what stands before the content of field `number`."""
    return varint(number << 3 | wire_type)


def delimited(field_tag: bytes, content: bytes) -> bytes:
    """Return a field of strings, bytes or a message; `field_tag` is what `tag` returned for it."""
    return field_tag + varint(len(content)) + content
