"""Attributes: KeyValue messages as plain values, and finding the few that a reader wants without parsing the others."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.schema import Event, KeyValue, Resource, Status
from sidecar.codec.otlp.walk import prefix
from sidecar.model.span import SpanMessage

Value: TypeAlias = str | bool | int | float | bytes | None
"""What an attribute says; None for a list or a map, which nothing here is told apart by."""

_VALUES_PER_KEY = 64
_REMEMBERED_BYTES = 256
_REMEMBERED = 16_384
_SHORTENED_BYTES = 1 << 20
"""Bytes of attributes whose shortened form is remembered: statements are long and come again."""
_EVENT_BYTES = 16 << 10
_EVENT_FIELDS = 256
"""Of an event over 16 KiB, a stack trace as a rule, only the first 256 fields are looked at: parsing 4 MiB of
empty ones would take 60 ms."""


class Wanted(dict[bytes, bytes | None]):
    """Attributes in wire form that were seen, to themselves if their key is wanted and to None if not.

    `[*filter(None, map(wanted.__getitem__, span.attributes))]` is the wanted attributes of a span: one pass in C that
    parses nothing. An attribute that is not remembered costs a look at its key; a key with many values, such as an
    address, stops being remembered, so unique values cost time but no memory.

    `shortened` names keys of which only a part of the text is wanted, and what gives it from the value's wire form;
    None where the attribute is not wanted after all.
    """

    def __init__(
        self, keys: Iterable[str], shortened: Mapping[str, Callable[[bytes], bytes | None]] | None = None
    ) -> None:
        super().__init__()
        self._keys = frozenset(key.encode() for key in keys)
        self._shortened = {key.encode(): shorten for key, shorten in (shortened or {}).items()}
        self._short: dict[bytes, bytes | None] = {}
        self._short_bytes = 0
        self._seen: dict[bytes, int] = {}

    def __missing__(self, attribute: bytes) -> bytes | None:
        """Return `attribute` if its key is wanted, else None; remember that."""
        key = _key_of(attribute)
        result = attribute if key in self._keys else None
        if result and key in self._shortened:
            result = self._short[attribute] if attribute in self._short else self._shorten(key, attribute)
        seen = self._seen.get(key, 0)
        if seen < _VALUES_PER_KEY and len(attribute) <= _REMEMBERED_BYTES:
            if len(self) >= _REMEMBERED:
                self.clear()
                self._seen.clear()
            self._seen[key] = seen + 1
            self[attribute] = result
        return result

    def _shorten(self, key: bytes, attribute: bytes) -> bytes | None:
        text = self._shortened[key](attribute[2 + len(key) :])
        result = None if text is None else _with_text(key, text)
        self._short_bytes += len(attribute)
        if self._short_bytes > _SHORTENED_BYTES:
            self._short.clear()
            self._short_bytes = 0
        elif len(attribute) > _REMEMBERED_BYTES:
            self._short[attribute] = result
        return result


def pick(raw: Iterable[bytes], keys: Container[bytes]) -> dict[bytes, bytes]:
    """Return the KeyValue messages whose key is among `keys`, still in wire form; the last of a repeated key wins."""
    return {key: attribute for attribute in raw if (key := _key_of(attribute)) in keys}


def attributes_of(raw: Iterable[bytes]) -> dict[str, Value]:
    """Return KeyValue messages as a dictionary; what cannot be parsed is left out, the last of a repeated key wins."""
    result: dict[str, Value] = {}
    for attribute in raw:
        try:
            message = KeyValue.FromString(attribute)
        except DecodeError:
            continue
        result[text_of(message.key)] = value_of(message.value)
    return result


def resource_attributes(resource: bytes) -> list[bytes]:
    """Return the attributes of a Resource message as KeyValue messages, both in wire form."""
    return list(Resource.FromString(resource).attributes)


def events_of(span: SpanMessage) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the events of `span` as name and attributes in wire form; what cannot be parsed is left out."""
    for raw in span.events:
        try:
            event = Event.FromString(raw if len(raw) <= _EVENT_BYTES else prefix(raw, _EVENT_FIELDS))
        except DecodeError:
            continue
        yield text_of(event.name), list(event.attributes)


def status_code_of(status: bytes) -> int:
    """Return the code of a Status message in its wire form; unset if it cannot be parsed."""
    try:
        return int(Status.FromString(status).code)
    except DecodeError:
        return 0


def status_message_of(status: bytes) -> str:
    """Return the description in a Status message in its wire form; empty if it cannot be parsed."""
    try:
        return text_of(Status.FromString(status).message)
    except DecodeError:
        return ""


def text_of(raw: bytes) -> str:
    """Return `raw` as text; bytes that are not UTF-8 become U+FFFD."""
    return raw.decode(errors="replace")


def value_of(message: Any) -> Value:
    """Return what an AnyValue message says."""
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    if kind == "string_value":
        return text_of(message.string_value)
    value: Value = getattr(message, kind)
    return value


def _with_text(key: bytes, text: bytes) -> bytes:
    result: bytes = KeyValue(key=key, value={"string_value": text}).SerializeToString()
    return result


def _key_of(attribute: bytes) -> bytes:
    """Return the key of a KeyValue message, expected first in it, as every encoder writes it; empty if it is not."""
    return attribute[2 : 2 + attribute[1]] if len(attribute) > 1 and attribute[0] == 0x0A else b""
