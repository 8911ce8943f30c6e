"""Whole requests with their texts masked, for those who must not see what the senders wrote.

The wire form is walked by the numbers of the fields that lead to texts, and only masked texts are written anew. All
other fields, those that nobody here knows included, stay byte for byte and in their places.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import TypeAlias

from sidecar.codec.otlp.attributes import text_of
from sidecar.codec.otlp.walk import Field, fields
from sidecar.codec.otlp.wire import LENGTH_DELIMITED, tag, varint
from sidecar.model.errors import MalformedInputError
from sidecar.model.forward import Signal
from sidecar.model.redact import Redact

MOST_LEVELS = 100
"""Messages inside each other: where protobuf's own parsers stop."""
TEXT_BYTES = 128 << 10
"""Longer texts are cut: looking for secrets takes time."""
KEY_CHARACTERS = 1 << 10
"""What of a key says whether the text is secret."""
JOINED_BYTES = 64 << 10
"""Parts up to this long are put together at once: many small pieces would keep the garbage collector busy."""
JOINED_PIECES = 16
"""Pieces of a request that are put together at once: others get Python's lock in between."""
_SHORT_BYTES = 256
_REMEMBERED = 16_384

_Part: TypeAlias = "str | Mapping[int, _Part]"
"""What a field holds: a text, by the key that it is masked under, or a message, by the fields of it that matter."""
_THIS = ""
"""A text that is masked under the key of the attribute that it stands in."""

_VALUE: dict[int, _Part] = {1: _THIS, 7: _THIS}
_ATTRIBUTE: dict[int, _Part] = {1: "attribute.key", 2: _VALUE}
_VALUE |= {5: {1: _VALUE}, 6: {1: _ATTRIBUTE}}  # ArrayValue and KeyValueList, which contain what contains them

_EVENT: _Part = {2: "event.name", 3: _ATTRIBUTE}
_LINK: _Part = {3: "trace_state", 4: _ATTRIBUTE}
_SPAN: _Part = {3: "trace_state", 5: "span.name", 9: _ATTRIBUTE, 11: _EVENT, 13: _LINK, 15: {2: "status.message"}}
_LOG_RECORD: _Part = {3: "log.severity", 5: _VALUE, 6: _ATTRIBUTE, 12: "event.name"}
_EXEMPLAR: _Part = {7: _ATTRIBUTE}
_METRIC: _Part = {
    1: "metric.name",
    2: "metric.description",
    3: "metric.unit",
    5: {1: {7: _ATTRIBUTE, 5: _EXEMPLAR}},  # gauge
    7: {1: {7: _ATTRIBUTE, 5: _EXEMPLAR}},  # sum
    9: {1: {9: _ATTRIBUTE, 8: _EXEMPLAR}},  # histogram
    10: {1: {1: _ATTRIBUTE, 11: _EXEMPLAR}},  # exponential histogram
    11: {1: {7: _ATTRIBUTE}},  # summary
    12: _ATTRIBUTE,  # metadata
}


def _request(item: _Part) -> Mapping[int, _Part]:
    """Return what all requests have around their items: messages of a resource, and in them those of a scope."""
    return {1: {1: {1: _ATTRIBUTE}, 2: {1: {1: "scope.name", 2: "scope.version", 3: _ATTRIBUTE}, 2: item}}}


_REQUESTS: Mapping[Signal, Mapping[int, _Part]] = {
    "traces": _request(_SPAN),
    "metrics": _request(_METRIC),
    "logs": _request(_LOG_RECORD),
}

_Pieces: TypeAlias = list[bytes | memoryview]
_Changed: TypeAlias = tuple[_Pieces, int] | None
"""What becomes of a part: pieces and how many bytes they are together; None if it stays as it is."""


def masked(signal: Signal, body: bytes, redact: Redact) -> bytes:
    """Return the protobuf request `body` with its texts as `redact` returns them; raise MalformedInputError.

    Texts are keys and values of attributes anywhere, of maps and lists in them too, bodies and severities of log
    records, names of spans, events, scopes and metrics, descriptions, units, status messages and trace states. In a map
    the key of a text is that of the attribute, a dot and its
    own; a log record's body is like an attribute without a key. Meant for a thread: takes about a second for 10 MB, or
    for 1 MB where every text is to be masked, and no call in it keeps Python's lock for more than 5 ms.
    """
    found = _Masking(body, redact).message(_REQUESTS[signal], _THIS, 0, len(body), 0)
    return body if found is None else _joined(found[0])


def _joined(pieces: _Pieces) -> bytes:
    result = BytesIO()
    for start in range(0, len(pieces), JOINED_PIECES):
        result.writelines(pieces[start : start + JOINED_PIECES])
    return result.getvalue()


class _Masking:
    """The work on one body."""

    def __init__(self, body: bytes, redact: Redact, known: dict[bytes, bytes | None] | None = None) -> None:
        self._body = body
        self._view = memoryview(body)
        self._redact = redact
        self._known: dict[bytes, bytes | None] = {} if known is None else known

    def message(self, parts: Mapping[int, _Part], key: str, start: int, end: int, level: int) -> _Changed:
        """Return what becomes of the message in `body[start:end]`, which stands in the attribute `key`."""
        if level >= MOST_LEVELS:
            raise MalformedInputError(f"more than {MOST_LEVELS} messages are inside each other")
        pieces: _Pieces = []
        size, done = 0, start
        for field in fields(self._body, start, end):
            part = parts.get(field.number)
            if part is None or not field.length_delimited:
                continue
            changed = self._field(part, key, field, level)
            if changed is None:
                continue
            content, length = changed
            head = tag(field.number, LENGTH_DELIMITED) + varint(length)
            pieces += (*self._kept(done, field.start), head)
            pieces += content
            size += field.start - done + len(head) + length
            done = field.end
        if not pieces:
            return None
        pieces += self._kept(done, end)
        size += end - done
        return ([b"".join(pieces)] if size <= JOINED_BYTES else pieces), size

    def _kept(self, start: int, end: int) -> _Pieces:
        if end - start <= JOINED_BYTES:
            return [self._body[start:end]]
        return [self._view[at : min(at + JOINED_BYTES, end)] for at in range(start, end, JOINED_BYTES)]

    def _field(self, part: _Part, key: str, field: Field, level: int) -> _Changed:
        if isinstance(part, str):
            return _whole(self._text(part or key, field))
        if part is not _ATTRIBUTE:
            return self.message(part, key, field.content, field.end, level + 1)
        if key == _THIS and field.end - field.content <= _SHORT_BYTES:
            return _whole(self._remembered(self._body[field.content : field.end], level))
        return self._attribute(key, field, level)

    def _text(self, key: str, field: Field) -> bytes | None:
        end = min(field.end, field.content + TEXT_BYTES)
        text = text_of(self._body[field.content : end])
        found = str(self._redact(key, text))
        return None if found == text and end == field.end else found.encode()

    def _attribute(self, key: str, field: Field, level: int) -> _Changed:
        own = b""
        for inner in fields(self._body, field.content, field.end):
            if inner.number == 1 and inner.length_delimited:
                own = self._body[inner.content : min(inner.end, inner.content + KEY_CHARACTERS)]
        name = f"{key}.{text_of(own)}" if key else text_of(own)
        return self.message(_ATTRIBUTE, name[:KEY_CHARACTERS], field.content, field.end, level + 1)

    def _remembered(self, attribute: bytes, level: int) -> bytes | None:
        """Return what becomes of an attribute: most of a request's attributes come again and again."""
        try:
            return self._known[attribute]
        except KeyError:
            pass
        alone = _Masking(attribute, self._redact, self._known)
        found = alone._attribute(_THIS, Field(1, True, 0, 0, len(attribute)), level)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        result = self._known[attribute] = None if found is None else b"".join(found[0])
        return result


def _whole(content: bytes | None) -> _Changed:
    return None if content is None else ([content], len(content))
