"""OTLP's messages as JSON objects, described by the official schema, into protobuf's wire form.

A message is written at once while it is small. A large one is opened: its fields are taken as raw JSON, which costs one
pass over the text, and written one after the other, so that others may run in between.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from msgspec import Raw

from sidecar.codec.otlp.json.field import Write, message_writer, scalar_writer
from sidecar.codec.otlp.wire import LENGTH_DELIMITED, delimited, tag
from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.model.steps import Steps

STEP_BYTES = 64 << 10
"""JSON that is worked on at once: 5 ms of real spans, and of numbers in a list 10 ms at worst."""
MOST_LEVELS = 100
"""Messages inside each other: where protobuf's own parsers stop."""

_OPENED_TOGETHER = {
    *("resourceSpans", "resourceMetrics", "resourceLogs", "resource_spans", "resource_metrics", "resource_logs"),
    *("scopeSpans", "scopeMetrics", "scopeLogs", "scope_spans", "scope_metrics", "scope_logs"),
}
"""Fields that hold nearly all of their message: they are opened in the same pass."""


class Field(NamedTuple):
    """A field of a message; `message` is the type of its content if that is a message too."""

    names: tuple[str, ...]
    number: int
    tag: bytes
    """As it stands before content that is a message."""
    write: Write
    message: "Message | None"
    is_repeated: bool


class Message:
    """A message type: JSON that describes such a message into its content in wire form."""

    def __init__(self, descriptor: Descriptor, known: "dict[str, Message]") -> None:
        """`known` has the types that were made already, by full name, and is added to: types may contain themselves."""
        known[descriptor.full_name] = self
        self.name = descriptor.name
        self.fields = [_field_of(field, known) for field in sorted(descriptor.fields, key=lambda field: field.number)]
        self._by_name = {name: field for field in self.fields for name in field.names}

    def write(self, value: Any, level: int) -> bytes:
        """Return the message that a decoded JSON value describes; raise MalformedInputError.

        `level` is the number of messages around it.
        """
        if not isinstance(value, dict):
            raise MalformedInputError(f"a {self.name} must be an object")
        _check(level)
        by_name = self._by_name
        found = [(field.number, field.write(item, level)) for key, item in value.items() if (field := by_name.get(key))]
        found.sort(key=itemgetter(0))
        return b"".join([content for _, content in found])

    def write_in_steps(self, raw: Raw, level: int) -> Steps[bytes]:
        """Return the message that `raw` describes: a small one at once, a large one in steps."""
        if size_of(raw) <= STEP_BYTES:
            return self.write(msgspec.json.decode(raw), level)
        return (yield from self.write_opened(self.open(raw), level))

    def write_opened(self, opened: Any, level: int) -> Steps[bytes]:
        """Return the message that was opened, in steps."""
        yield
        _check(level)
        parts: list[bytes] = []
        for field in self.fields:
            for value in (getattr(opened, name) for name in field.names):
                if isinstance(value, list):
                    parts.append((yield from _write_items(field, value, level)))
                elif value is not None:
                    parts.append((yield from _write_one(field, value, level)))
        return b"".join(parts)

    @cached_property
    def open(self) -> Callable[[bytes | Raw], Any]:
        """Decode JSON to an object with an attribute for each name of each field: raw JSON, or None if it is absent.

        Repeated messages are lists of raw JSON, or of opened messages if these are opened together.
        """
        return msgspec.json.Decoder(self._opened).decode

    @cached_property
    def _opened(self) -> Any:
        fields = [(name, _type_of(field), None) for field in self.fields for name in field.names]
        return msgspec.defstruct(self.name, fields, gc=False)


def size_of(raw: Raw) -> int:
    """Return how many bytes of JSON there are."""
    return memoryview(raw).nbytes


def _check(level: int) -> None:
    if level >= MOST_LEVELS:
        raise MalformedInputError(f"more than {MOST_LEVELS} messages are inside each other")


def _type_of(field: Field) -> Any:
    if field.message is None or not field.is_repeated:
        return Raw
    item = field.message._opened if field.names[0] in _OPENED_TOGETHER else Raw
    return list[item] | None  # type: ignore[valid-type] # a type made at run time


def _write_items(field: Field, items: Iterable[Any], level: int) -> Steps[bytes]:
    """Return the field for each of `items`, which are raw JSON or opened messages."""
    assert field.message is not None, "only lists of messages are opened"
    parts = []
    worked_on = 0
    for item in items:
        if isinstance(item, Raw):
            content = yield from field.message.write_in_steps(item, level + 1)
            worked_on += size_of(item)
        else:
            content = yield from field.message.write_opened(item, level + 1)
        parts.append(delimited(field.tag, content))
        if worked_on > STEP_BYTES:
            yield
            worked_on = 0
    return b"".join(parts)


def _write_one(field: Field, raw: Raw, level: int) -> Steps[bytes]:
    """Return a field of an opened message that is not a list of messages."""
    if size_of(raw) > STEP_BYTES:
        if field.message is not None:
            return delimited(field.tag, (yield from field.message.write_in_steps(raw, level + 1)))
        if field.is_repeated:
            raise TooLargeError(f"`{field.names[0]}` is a list of more than {STEP_BYTES} bytes of numbers")
    return field.write(msgspec.json.decode(raw), level)


def _field_of(field: FieldDescriptor, known: dict[str, Message]) -> Field:
    names = tuple(dict.fromkeys((field.json_name, field.name)))
    message = None
    if field.message_type is not None:
        message = known.get(field.message_type.full_name) or Message(field.message_type, known)
    write = message_writer(field, message.write) if message else scalar_writer(field)
    return Field(names, field.number, tag(field.number, LENGTH_DELIMITED), write, message, field.is_repeated)
