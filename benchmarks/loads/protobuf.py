"""Requests in protobuf, field by field in the order of their numbers, as the SDKs' own encoders write them."""

import struct
from collections.abc import Iterable
from functools import lru_cache

from benchmarks.loads.spans import Attributes, Event, Request, Span, Value

SCOPE_VERSION = "0.66b2"
SCHEMA = "https://opentelemetry.io/schemas/1.40.0"
_REMEMBERED = 1 << 16
_ERROR = 2
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def request(content: Request) -> bytes:
    """Return an ExportTraceServiceRequest."""
    scopes = [
        _text(2, _text(1, _string(1, name) + _string(2, SCOPE_VERSION)) + _spans(spans) + _string(3, SCHEMA))
        for name, spans in content.scopes.items()
    ]
    return _text(1, _text(1, _attributes(1, content.resource)) + b"".join(scopes))


def _spans(spans: Iterable[Span]) -> bytes:
    return b"".join(_text(2, _span(span)) for span in spans)


def _span(span: Span) -> bytes:
    """Return a span; trace_state and links, which it has none of, would be the fields 3 and 13."""
    parts = [
        _text(1, span.trace_id),
        _text(2, span.span_id),
        _text(4, span.parent_id) if span.parent_id else b"",
        _string(5, span.name),
        _tag(6, _VARINT) + _varint(span.kind),
        _tag(7, _FIXED64) + struct.pack("<Q", span.start_nano),
        _tag(8, _FIXED64) + struct.pack("<Q", span.end_nano),
        _attributes(9, span.attributes),
        *(_text(11, _event(event)) for event in span.events),
        _text(15, _status(span.failed_with)),
        _tag(16, _FIXED32) + struct.pack("<I", span.flags),
    ]
    return b"".join(parts)


def _status(failed_with: str | None) -> bytes:
    return b"" if failed_with is None else _string(2, failed_with) + _tag(3, _VARINT) + _varint(_ERROR)


def _event(event: Event) -> bytes:
    time = _tag(1, _FIXED64) + struct.pack("<Q", event.at_nano)
    return time + _string(2, event.name) + _attributes(3, event.attributes)


def _attributes(number: int, attributes: Attributes) -> bytes:
    return b"".join([_attribute(number, key, value) for key, value in attributes.items()])


@lru_cache(_REMEMBERED, typed=True)  # typed: True is 1, but not written like it
def _attribute(number: int, key: str, value: Value) -> bytes:
    return _text(number, _string(1, key) + _text(2, _any_value(value)))


def _any_value(value: Value) -> bytes:
    match value:
        case bool():
            return _tag(2, _VARINT) + _varint(value)
        case int():
            return _tag(3, _VARINT) + _varint(value)
        case float():
            return _tag(4, _FIXED64) + struct.pack("<d", value)
        case str():
            return _string(1, value)


@lru_cache(_REMEMBERED)
def _string(number: int, text: str) -> bytes:
    return _text(number, text.encode())


def _text(number: int, content: bytes) -> bytes:
    return _tag(number, _LENGTH) + _varint(len(content)) + content


@lru_cache(_REMEMBERED)
def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


@lru_cache(_REMEMBERED)
def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
