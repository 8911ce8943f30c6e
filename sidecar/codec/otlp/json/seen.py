"""Small JSON messages that come again and again, such as attributes, in wire form."""

from collections.abc import Callable

import msgspec
from msgspec import Struct
from typing_extensions import override

from sidecar.codec.otlp.json.message import STEP_BYTES, Message
from sidecar.codec.otlp.lately import Lately
from sidecar.codec.otlp.wire import delimited

_REMEMBERED = 8192
_REMEMBERED_BYTES = 256
_KEY, _VALUE, _STRING_VALUE = b"\x0a", b"\x12", b"\x0a"
"""Tags of KeyValue.key, KeyValue.value and AnyValue.string_value."""


class UnusualError(ValueError):
    """Nothing is wrong, but this is not for the fast way."""


class Work:
    """Counts the JSON that was converted in a step, in bytes; raises UnusualError at what is too much for one."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, size: int) -> None:
        """Count so much."""
        self.bytes += size
        if self.bytes > STEP_BYTES:
            raise UnusualError


class Seen(dict[bytes, bytes]):
    """Messages by their JSON: `seen[json]` is `frame` of one's content in wire form, whether it was seen before or not.

    One that comes again is remembered, a long one is not, and all are forgotten when there are too many. What is
    converted is `work`; a bad one raises MalformedInputError.
    """

    def __init__(self, message: Message, level: int, work: Work, frame: Callable[[bytes], bytes] = bytes) -> None:
        super().__init__()
        self._message = message
        self._level = level
        self._work = work
        self._frame = frame
        self._lately = Lately()

    def __missing__(self, json: bytes) -> bytes:
        """Return what `json` becomes, and remember it."""
        self._work.add(len(json))
        framed = self._frame(self._write(json))
        if len(json) <= _REMEMBERED_BYTES and self._lately.came(json):
            if len(self) >= _REMEMBERED:
                self.clear()
            self[json] = framed
        return framed

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


class _Text(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    string_value: str


class _TextAttribute(Struct, gc=False, forbid_unknown_fields=True):
    key: str
    value: _Text


_decode_text = msgspec.json.Decoder(_TextAttribute).decode
