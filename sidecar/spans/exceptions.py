"""Exceptions as spans and log records have them, and recognising one that both have."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple, Protocol

from sidecar.codec.otlp.attributes import attributes_of, events_of, pick, status_message_of, text_of
from sidecar.codec.peer.ids import span_id_of, trace_id_of
from sidecar.derive.label_values import label_value
from sidecar.derive.origin import Origin
from sidecar.fingerprint.exception_type import is_code, type_at_start, type_name
from sidecar.fingerprint.message import code_in
from sidecar.fingerprint.stack import ErrorText, thrown_type
from sidecar.model.span import SpanMessage

NO_EXCEPTION = "(no exception)"
"""Type of a failure of which nothing is known."""
UNKNOWN = "(unknown)"
"""Type of an error of which there is only a message."""
REMEMBERED = 20_000
"""Keys that are remembered, two for each exception: a few seconds of a bad time, 6 MB."""
_COMPARED, _COMPARED_WITHIN = 500, 2000
"""How much of a message is looked for in how much of another."""
_ALIKE = 20
"""Exceptions that are remembered of one key, the latest."""

_TYPE, _MESSAGE, _STACK = b"exception.type", b"exception.message", b"exception.stacktrace"
_ERROR_TYPE = b"error.type"
FINGERPRINTS = ("exception.fingerprint", "error.fingerprint", "error.grouping_key")
"""Attributes of an exception or its span by which an app says itself what belongs together; the first one counts."""
_FINGERPRINTS = {key.encode() for key in FINGERPRINTS}
_OF_EXCEPTION = {_TYPE, _MESSAGE, _STACK, *_FINGERPRINTS}


Ids = tuple[bytes, bytes]
"""Of a trace and a span of it; either may be none."""


class Source(Enum):
    """Where an exception was reported."""

    EVENT = auto()
    LOG = auto()


class Carrier(Protocol):
    """A span or a log record; its ids are empty where it has none."""

    @property
    def trace_id(self) -> bytes: ...  # noqa: D102 - the fields are those of OTLP
    @property
    def span_id(self) -> bytes: ...  # noqa: D102


class Reported(NamedTuple):
    """An exception; as a rule only its type is decoded, because messages and stack traces are long.

    `type` is without module or namespace, `told` as it was sent. `attributes` has what is known of it by key, in wire
    form. Where its own type is not known, `place` is the span's name and `status` the description of its status, which
    may say more than the exception itself. `is_recorded` is False of what stands for an exception of which there is
    none.
    """

    type: str
    attributes: Mapping[bytes, bytes]
    place: str = ""
    status: str = ""
    told: str = ""
    """What `type` was taken from: it may be a secret as a whole, of which a part would not be known for one."""
    is_recorded: bool = True

    @property
    def message_key(self) -> int:
        """What tells its message from others."""
        return hash(self.attributes.get(_MESSAGE))

    @property
    def key(self) -> tuple[str, int]:
        """What it has in common with the same exception in another span."""
        return self.type, self.message_key

    def says(self, text: str) -> bool:
        """Return whether its message has this text in it."""
        return text.encode(errors="replace") in self.attributes.get(_MESSAGE, b"")

    def begins(self) -> bytes:
        """Return the beginning of its message, by which another one that wraps it is known."""
        return _text_of(self.attributes.get(_MESSAGE))[:_COMPARED].encode(errors="replace")

    def wraps(self, kind: str, message: bytes) -> bool:
        """Return whether it was thrown for another exception of the type `kind`, whose message begins like that."""
        own = self.attributes.get(_MESSAGE, b"")[:_COMPARED_WITHIN]
        return self.type != kind and bool(message) and message in own

    @property
    def explicit(self) -> str:
        """The fingerprint that the app has set; empty if it has not."""
        texts = attributes_of(self.attributes[key] for key in _FINGERPRINTS & self.attributes.keys())
        return next((label_value(texts[key]) for key in FINGERPRINTS if texts.get(key)), "")

    def text(self, origin: Origin) -> ErrorText:
        """Return all of it."""
        texts = attributes_of(self.attributes[key] for key in (_MESSAGE, _STACK) if key in self.attributes)
        message, stack = (str(texts.get(key.decode()) or "") for key in (_MESSAGE, _STACK))
        return ErrorText(self.type, _joined(self.status, message), stack, origin.language, self.place)


def exceptions_of(span: SpanMessage, language: str) -> Iterator[Reported]:
    """Yield the exceptions of a failed span, else one that stands for its failure."""
    found = False
    of_span = pick(span.attributes, {_ERROR_TYPE, *_FINGERPRINTS})
    failure = _text_of(of_span.pop(_ERROR_TYPE, None))
    for name, attributes in events_of(span):
        if name == "exception":
            found = True
            exception = {**of_span, **pick(attributes, _OF_EXCEPTION)}
            yield _typed(exception, language) or _untyped(exception, failure, span, language)
    if not found:
        yield _untyped(of_span, failure, span, language)._replace(is_recorded=False)


def exception_of_log(attributes: Iterable[bytes], language: str) -> Reported | None:
    """Return the exception that a log record with these attributes, in wire form, is about; None if there is none."""
    found = pick(attributes, {*_OF_EXCEPTION, _ERROR_TYPE})
    failure = _text_of(found.pop(_ERROR_TYPE, None))
    if not {_TYPE, _MESSAGE} & found.keys():
        return None
    return _typed(found, language) or _named(_kind_of(failure, _text_of(found.get(_MESSAGE))), language, found)


def _typed(attributes: dict[bytes, bytes], language: str) -> Reported | None:
    """Return the exception if it says its type, itself or in its stack trace, which goes before a code."""
    told = _text_of(attributes.pop(_TYPE, None))
    if not told or is_code(told):
        told = thrown_type(_text_of(attributes.get(_STACK)), language) or told
    return _named(told, language, attributes) if told else None


def _named(told: str, language: str, attributes: Mapping[bytes, bytes], place: str = "", status: str = "") -> Reported:
    name = told if told in (UNKNOWN, NO_EXCEPTION) else type_name(told, language)
    return Reported(name, attributes, place, status, told)


def _untyped(attributes: Mapping[bytes, bytes], failure: str, span: SpanMessage, language: str) -> Reported:
    """Return an error that says no type; what else is known of its span tells it from others."""
    status, message = status_message_of(span.status), _text_of(attributes.get(_MESSAGE))
    told = _kind_of(failure, f"{message}\n{status}")
    return _named(told, language, attributes, label_value(text_of(span.name)), status)


def _kind_of(failure: str, message: str) -> str:
    """Return what stands for the type: `failure`, which is `error.type`, else what the message says."""
    return failure or type_at_start(message) or code_in(message) or (UNKNOWN if message.strip() else NO_EXCEPTION)


def _text_of(attribute: bytes | None) -> str:
    value = next(iter(attributes_of([attribute]).values()), None) if attribute else None
    return "" if value is None else str(value)


def _joined(status: str, message: str) -> str:
    if status in message:
        return message
    return f"{status}: {message}" if message else status


def ids_of(carrier: Carrier) -> Ids:
    """Return the ids of a span or a log record."""
    return trace_id_of(carrier.trace_id), span_id_of(carrier.span_id)


class Recognition:
    """Recognises an exception that comes as an event of a span and as a log record too.

    They are one if both are in one trace with the same type and message, or are of the same span with the same type,
    whatever their messages. Each is one of the other: of ten log records and one event, one is the event. What is in no
    trace is always new.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[object, ...], list[_Told]] = OrderedDict()  # a dict is slow to find its first

    def is_new(self, source: Source, ids: Ids, reported: Reported, also: Iterable[bytes] = ()) -> bool:
        """Return whether this was not told by the other source before; else that one is used up.

        `also` are the ids of further spans of the trace which told the same.
        """
        trace_id, span_id = ids
        if not trace_id:
            return True
        kind = label_value(reported.type)  # bounded, as all that is remembered
        keys: list[tuple[object, ...]] = [(trace_id, span, kind) for span in (span_id, *also) if span]
        keys.append((trace_id, kind, reported.message_key))
        for key in keys:
            for told in self._waiting.get(key, ()):
                if told.source is not source and not told.is_used:
                    told.is_used = True
                    return False
        told = _Told(source)
        for key in keys:
            self._remember(key, told)
        return True

    def _remember(self, key: tuple[object, ...], told: "_Told") -> None:
        if len(self._waiting) >= REMEMBERED and key not in self._waiting:
            self._waiting.popitem(last=False)
        alike = self._waiting.setdefault(key, [])
        if len(alike) >= _ALIKE:
            del alike[0]
        alike.append(told)


class _Told:
    """An exception that was counted, and whether the other source told it meanwhile."""

    __slots__ = ("is_used", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.is_used = False
