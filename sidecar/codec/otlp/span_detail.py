"""Spans in full, for the few that are kept: everything that a span says, as plain values."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

import msgspec
from google.protobuf.message import DecodeError

from sidecar.codec.otlp.attributes import text_of
from sidecar.codec.otlp.schema import AnyValue, Event, KeyValue, Link, MessageType, Resource, Scope, Span, Status
from sidecar.codec.otlp.walk import fields, prefix
from sidecar.codec.peer.ids import span_id_of, trace_id_of
from sidecar.model.errors import MalformedInputError
from sidecar.model.redact import Redact
from sidecar.model.span import SpanMessage
from sidecar.redaction.long_text import beginning

Detail: TypeAlias = Any
"""What an attribute says: str, bool, int, float, bytes or None, or a list of such or a dict of text to such."""
Attributes: TypeAlias = dict[str, Detail]

MOST_ATTRIBUTES = 128
MOST_EVENTS = 32
MOST_LINKS = 32
TEXT_BYTES = 16 << 10
"""Longer texts are cut."""
SPAN_BYTES = 64 << 10
"""Attributes after this much of a span are left out, and events likewise: reading and masking them takes long."""
_LONG_BYTES = 16 << 10
_LONG_FIELDS = 512
"""Of a longer message only the first 512 fields are looked at: a megabyte of empty ones would take 15 ms."""
_SHORT_BYTES = 256
_REMEMBERED = 4_096
_MOST_ITEMS = 128
_DEPTH = 8
_ARRAY, _MAP = 5, 6  # in AnyValue


class EventDetail(msgspec.Struct, array_like=True, frozen=True):
    """An event of a span; an exception as a rule."""

    time_unix_nano: int
    name: str
    attributes: Attributes


class LinkDetail(msgspec.Struct, array_like=True, frozen=True):
    """A link from a span to another one, whose ids may be none."""

    trace_id: bytes
    span_id: bytes
    trace_state: str
    attributes: Attributes
    flags: int


class Dropped(msgspec.Struct, array_like=True, frozen=True):
    """How many attributes, events and links a span had besides those that are there: left out by its SDK or by us."""

    attributes: int = 0
    events: int = 0
    links: int = 0


class SpanDetail(msgspec.Struct, array_like=True, frozen=True):
    """A span without its trace id. Its own id and that of its parent may be none."""

    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Attributes
    events: list[EventDetail] = []
    links: list[LinkDetail] = []
    status_code: int = 0
    status_message: str = ""
    trace_state: str = ""
    flags: int = 0
    dropped: Dropped = Dropped()


class ScopeDetail(msgspec.Struct, array_like=True, frozen=True):
    """The instrumentation that made spans."""

    name: str
    version: str
    attributes: Attributes


class DetailGroup(msgspec.Struct, array_like=True, frozen=True):
    """Spans of one resource and scope."""

    resource: Attributes
    scope: ScopeDetail
    spans: list[SpanDetail]


class DetailReader:
    """Reads spans in full; every text goes through `redact` on its way, so that no other form of it is kept.

    Names of spans, events and scopes, status texts and trace states are given to it under the keys `span.name`,
    `event.name`, `scope.name`, `scope.version`, `status.message` and `trace_state`, keys of attributes under
    `attribute.key`. What cannot be parsed is left out; nothing is raised. Of attributes only those are read that have
    `only` in their wire form.
    """

    def __init__(self, redact: Redact, only: bytes = b"") -> None:
        self._redact = redact
        self._only = only
        self._remembered: dict[int, list[tuple[str, Detail]]] = {}

    def group(self, resource: bytes, scope: bytes, spans: Iterable[bytes | SpanMessage]) -> DetailGroup:
        """Return `spans`, each in its wire form or as a message, with their resource and scope."""
        of_scope = _parsed(Scope, scope)
        return DetailGroup(
            self.attributes(_parsed(Resource, resource).attributes),
            ScopeDetail(
                self._text("scope.name", of_scope.name),
                self._text("scope.version", of_scope.version),
                self.attributes(of_scope.attributes),
            ),
            [self.span(_parsed(Span, span) if isinstance(span, bytes) else span) for span in spans],
        )

    def span(self, span: SpanMessage) -> SpanDetail:
        """Return `span` in full; of one that is no protobuf message, what its SDK dropped may be missing."""
        whole: Any = span
        attributes = _fitting(span.attributes, MOST_ATTRIBUTES)
        events, links = _fitting(span.events, MOST_EVENTS), _fitting(span.links, MOST_LINKS)
        status = _parsed(Status, span.status)
        return SpanDetail(
            span_id=span_id_of(span.span_id),
            parent_span_id=span_id_of(span.parent_span_id),
            name=self._text("span.name", span.name),
            kind=span.kind,
            start_time_unix_nano=span.start_time_unix_nano,
            end_time_unix_nano=span.end_time_unix_nano,
            attributes=self.attributes(attributes),
            events=[self._event(_parsed(Event, raw)) for raw in events],
            links=[self._link(_parsed(Link, raw)) for raw in links],
            status_code=status.code,
            status_message=self._text("status.message", status.message),
            trace_state=self._text("trace_state", span.trace_state),
            flags=span.flags,
            dropped=Dropped(
                getattr(whole, "dropped_attributes_count", 0) + len(span.attributes) - len(attributes),
                getattr(whole, "dropped_events_count", 0) + len(span.events) - len(events),
                getattr(whole, "dropped_links_count", 0) + len(span.links) - len(links),
            ),
        )

    def attributes(self, raw: Sequence[bytes]) -> Attributes:
        """Return the first KeyValue messages of `raw` that fit; the last of a repeated key wins."""
        fitting = _fitting(raw, MOST_ATTRIBUTES)
        return dict(chain.from_iterable(self._pair(attribute) for attribute in fitting if self._only in attribute))

    def _pair(self, attribute: bytes) -> list[tuple[str, Detail]]:
        """Return the key and the value of an attribute, if it can be parsed.

        Short ones, most of which come again and again, are remembered: by a hash, so that nothing unmasked is.
        """
        identity = hash(attribute)
        pair = self._remembered.get(identity)
        if pair is None:
            pair = [(self._key(key), self._masked(key, value)) for key, value in _pairs([attribute])]
            if len(attribute) <= _SHORT_BYTES:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[identity] = pair
        return pair

    def _masked(self, key: str, value: Detail) -> Detail:
        if isinstance(value, list):
            return [self._masked(key, item) for item in value]
        if isinstance(value, dict):
            return {self._key(inner): self._masked(f"{key}.{inner}", item) for inner, item in value.items()}
        if isinstance(value, bytes):
            text = text_of(value)
            shown = self._redact(key, text)
            return value if shown == text else shown
        masked: Detail = self._redact(key, value)
        return masked

    def _key(self, key: str) -> str:
        return str(self._redact("attribute.key", key))

    def _text(self, key: str, raw: bytes) -> str:
        return str(self._redact(key, _cut(raw))) if raw else ""

    def _event(self, event: Any) -> EventDetail:
        return EventDetail(
            event.time_unix_nano, self._text("event.name", event.name), self.attributes(event.attributes)
        )

    def _link(self, link: Any) -> LinkDetail:
        state = self._text("trace_state", link.trace_state)
        return LinkDetail(
            trace_id_of(link.trace_id), span_id_of(link.span_id), state, self.attributes(link.attributes), link.flags
        )


def _parsed(kind: MessageType[Any], raw: bytes) -> Any:
    """Return `raw` as a message; an empty one if it cannot be parsed."""
    try:
        return kind.FromString(raw if len(raw) <= _LONG_BYTES else prefix(raw, _LONG_FIELDS))
    except DecodeError:
        return kind.FromString(b"")


def _fitting(messages: Sequence[bytes], most: int) -> list[bytes]:
    """Return the first `most` of `messages`, and no more of them than fit into SPAN_BYTES when long ones are cut."""
    fitting = []
    room = SPAN_BYTES
    for message in messages[:most]:
        room -= min(len(message), TEXT_BYTES)
        if room < 0:
            break
        fitting.append(message)
    return fitting


def _cut(raw: bytes) -> str:
    if len(raw) <= TEXT_BYTES:
        return text_of(raw)
    text = raw[:TEXT_BYTES].decode(errors="ignore")
    return f"{beginning(text, len(text) - 1)}..."


def _pairs(raw: Iterable[bytes], depth: int = 0) -> Iterator[tuple[str, Detail]]:
    for attribute in raw:
        try:
            message = KeyValue.FromString(attribute)
        except DecodeError:
            continue
        yield _cut(message.key), _value_of(message.value, depth)


def detail_of(message: Any) -> Detail:
    """Return what an AnyValue message says, lists and maps included; None if that is nothing."""
    return _value_of(message, 0)


def _value_of(message: Any, depth: int) -> Detail:
    kind = message.WhichOneof("value")
    if kind == "string_value":
        return _cut(message.string_value)
    if kind is None:
        return _composite(message.SerializeToString(), depth + 1)
    value: Detail = getattr(message, kind)
    return value[:TEXT_BYTES] if isinstance(value, bytes) else value


def _composite(raw: bytes, depth: int) -> Detail:
    """Return the list or map in an AnyValue message, which the schema does not declare; None if there is neither.

    What is nested deeper than eight levels is None, and of each level the first 128 items are there.
    """
    if depth > _DEPTH:
        return None
    try:
        for field in fields(raw, 0, len(raw)):
            items = _items(raw[field.content : field.end]) if field.length_delimited else ()
            if field.number == _ARRAY:
                return [_value_of(AnyValue.FromString(item), depth) for item in items]
            if field.number == _MAP:
                return dict(_pairs(items, depth))
    except (MalformedInputError, DecodeError):
        pass  # one unreadable value must not take the span with it
    return None


def _items(raw: bytes) -> list[bytes]:
    """Return the first items of an ArrayValue or KeyValueList message, in wire form."""
    short = prefix(raw, _MOST_ITEMS)
    return [short[field.content : field.end] for field in fields(short, 0, len(short)) if field.length_delimited]
