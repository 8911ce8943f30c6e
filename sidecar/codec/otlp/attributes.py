"""Attributes: KeyValue messages as plain values, and finding the few that a reader wants without parsing the others."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.schema import Event, KeyValue, Resource, Status
from sidecar.model.span import SpanMessage

Value: TypeAlias = "str | bool | int | float | bytes | list[Value] | dict[str, Value] | None"

_VALUES_PER_KEY = 64
_REMEMBERED_BYTES = 256
_REMEMBERED = 16_384


class Wanted(dict[bytes, bytes | None]):
    """Attributes in wire form that were seen, to themselves if their key is wanted and to None if not.

    `[*filter(None, map(wanted.__getitem__, span.attributes))]` is the wanted attributes of a span: one pass in C that
    parses nothing. An attribute that is not remembered costs a look at its key; a key with many values, such as an
    address, stops being remembered, so unique values cost time but no memory. The key is expected first in its
    KeyValue, as every encoder writes it.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__()
        self._keys = frozenset(key.encode() for key in keys)
        self._seen: dict[bytes, int] = {}

    def __missing__(self, attribute: bytes) -> bytes | None:
        """Return `attribute` if its key is wanted, else None; remember that."""
        if len(attribute) < 2 or attribute[0] != 0x0A:
            return None
        key = attribute[2 : 2 + attribute[1]]
        result = attribute if key in self._keys else None
        seen = self._seen.get(key, 0)
        if seen < _VALUES_PER_KEY and len(attribute) <= _REMEMBERED_BYTES:
            if len(self) >= _REMEMBERED:
                self.clear()
                self._seen.clear()
            self._seen[key] = seen + 1
            self[attribute] = result
        return result


def attributes_of(raw: Iterable[bytes]) -> dict[str, Value]:
    """Return KeyValue messages as a dictionary; what cannot be parsed is left out, the last of a repeated key wins."""
    result: dict[str, Value] = {}
    for attribute in raw:
        try:
            message = KeyValue.FromString(attribute)
        except DecodeError:
            continue
        result[text_of(message.key)] = _value_of(message.value)
    return result


def resource_attributes(resource: bytes) -> dict[str, Value]:
    """Return the attributes of a Resource message in its wire form."""
    return attributes_of(Resource.FromString(resource).attributes)


def events_of(span: SpanMessage) -> list[tuple[str, dict[str, Value]]]:
    """Return the events of `span` as (name, attributes); what cannot be parsed is left out."""
    result = []
    for raw in span.events:
        try:
            event = Event.FromString(raw)
        except DecodeError:
            continue
        result.append((text_of(event.name), attributes_of(event.attributes)))
    return result


def status_code_of(status: bytes) -> int:
    """Return the code of a Status message in its wire form; unset if it cannot be parsed."""
    try:
        return int(Status.FromString(status).code)
    except DecodeError:
        return 0


def text_of(raw: bytes) -> str:
    """Return `raw` as text; bytes that are not UTF-8 become U+FFFD."""
    return raw.decode(errors="replace")


def _value_of(message: Any) -> Value:
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(message, kind)
    if kind == "string_value":
        return text_of(value)
    if kind == "array_value":
        return [_value_of(item) for item in value.values]
    if kind == "kvlist_value":
        return {text_of(item.key): _value_of(item.value) for item in value.values}
    result: bool | int | float | bytes = value
    return result
