"""Small JSON messages that come again and again, such as attributes, in wire form."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from sidecar.codec.otlp.json.message import STEP_BYTES, Message
from sidecar.codec.otlp.wire import delimited

_REMEMBERED = 8192
_REMEMBERED_BYTES = 256
_REMEMBERED_LISTS = 2048
_REMEMBERED_LIST_BYTES = 2048
_KEY, _VALUE, _STRING_VALUE = b"\x0a", b"\x12", b"\x0a"
"""Tags of KeyValue.key, KeyValue.value and AnyValue.string_value."""


class UnusualError(ValueError):
    """Nothing is wrong, but this is not for the fast way."""


class Seen(dict[bytes, bytes]):
    """Messages by their JSON: `seen[json]` is one's content in wire form, whether it was seen before or not.

    Bounded: long ones are not remembered, and all are forgotten when there are too many. One that would take too long
    for one step raises UnusualError, a bad one MalformedInputError.
    """

    def __init__(self, message: Message, level: int) -> None:
        super().__init__()
        self._message = message
        self._level = level

    def __missing__(self, json: bytes) -> bytes:
        """Return what `json` becomes, and remember it."""
        if len(json) > STEP_BYTES:
            raise UnusualError
        content = self._write(json)
        if len(json) <= _REMEMBERED_BYTES:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[json] = content
        return content

    def _write(self, json: bytes) -> bytes:
        return self._message.write(msgspec.json.decode(json), self._level)


class SeenAttributes(Seen):
    """KeyValue messages. New ones are mostly texts, which take 0.7 us in a way of their own, 3 us otherwise."""

    @override
    def _write(self, json: bytes) -> bytes:
        try:
            attribute = _decode_text(json)
        except msgspec.ValidationError:
            return super()._write(json)
        value = delimited(_STRING_VALUE, attribute.value.string_value.encode())
        return delimited(_KEY, attribute.key.encode()) + delimited(_VALUE, value)


class RepeatedField(NamedTuple):
    """All messages of a repeated field in wire form, and how many they are."""

    content: bytes
    messages: int


class SeenLists(dict[bytes, RepeatedField]):
    """Fields by the JSON of their lists, such as all attributes of a span: calls from one place to another share them.

    One that was seen costs a fifth of what looking for each of its messages does. Bounded as `Seen` is; one of more
    than `most` messages raises UnusualError.
    """

    def __init__(self, field_tag: bytes, message_of: Callable[[bytes], bytes], most: int) -> None:
        super().__init__()
        self._tag = field_tag
        self._message_of = message_of
        self._most = most

    def __missing__(self, json: bytes) -> RepeatedField:
        """Return what `json` becomes, and remember it."""
        messages = _decode_list(json)
        if len(messages) > self._most:
            raise UnusualError
        contents = map(self._message_of, map(bytes, messages))
        field = RepeatedField(b"".join([delimited(self._tag, content) for content in contents]), len(messages))
        if len(json) <= _REMEMBERED_LIST_BYTES:
            if len(self) >= _REMEMBERED_LISTS:
                self.clear()
            self[json] = field
        return field


class _Text(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    string_value: str


class _TextAttribute(Struct, gc=False, forbid_unknown_fields=True):
    key: str
    value: _Text


_decode_text = msgspec.json.Decoder(_TextAttribute).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
