"""Fields of a message: how a decoded JSON value becomes a field in protobuf's wire form, its tag included."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from sidecar.codec.otlp.json.scalars import Scalar, scalar_of
from sidecar.codec.otlp.wire import LENGTH_DELIMITED, delimited, tag
from sidecar.model.errors import MalformedInputError

Write: TypeAlias = Callable[[Any, int], bytes]
"""Returns what a JSON value becomes; the number is how many messages are around it. None, JSON's null, is "not set"."""


def message_writer(field: FieldDescriptor, content: Write) -> Write:
    """Return the writer of a field that holds a message or a list of them, given the writer of their content."""
    field_tag = tag(field.number, LENGTH_DELIMITED)
    return partial(_messages if field.is_repeated else _message, field_tag, content, _path(field))


def scalar_writer(field: FieldDescriptor) -> Write:
    """Return the writer of a field that holds a scalar or a list of them."""
    scalar = scalar_of(field)
    path = _path(field)
    if field.is_packed:
        return partial(_packed, tag(field.number, LENGTH_DELIMITED), scalar, path)
    field_tag = tag(field.number, scalar.wire_type)
    if field.is_repeated:
        return partial(_scalars, field_tag, scalar, path)
    return partial(_scalar, field_tag, scalar, path, None if field.has_presence else scalar.zero)


def _path(field: FieldDescriptor) -> str:
    return f"{field.containing_type.name}.{field.name}" if field.containing_type else field.name


def _message(field_tag: bytes, content: Write, _path: str, value: Any, level: int) -> bytes:
    return b"" if value is None else delimited(field_tag, content(value, level + 1))


def _messages(field_tag: bytes, content: Write, path: str, value: Any, level: int) -> bytes:
    return b"".join([delimited(field_tag, content(item, level + 1)) for item in _items(value, path)])


def _scalar(field_tag: bytes, scalar: Scalar, path: str, omitted: bytes | None, value: Any, _level: int) -> bytes:
    if value is None:
        return b""
    content = _content(scalar, path, value)
    return b"" if content == omitted else field_tag + scalar.framed(content)


def _scalars(field_tag: bytes, scalar: Scalar, path: str, value: Any, _level: int) -> bytes:
    contents = [_content(scalar, path, item) for item in _items(value, path)]
    return b"".join([field_tag + scalar.framed(content) for content in contents])


def _packed(field_tag: bytes, scalar: Scalar, path: str, value: Any, _level: int) -> bytes:
    items = _items(value, path)
    return delimited(field_tag, b"".join([_content(scalar, path, item) for item in items])) if items else b""


def _items(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedInputError(f"`{path}` must be an array")
    return value


def _content(scalar: Scalar, path: str, value: Any) -> bytes:
    try:
        return scalar.content(value)
    except ValueError as error:
        shown = f"`{value:.40}` is " if isinstance(value, str) else ""
        raise MalformedInputError(f"`{path}`: {shown}{error}") from error
