"""Exceptions as spans and log records have them, and recognising one that was reported before."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple, Protocol

from sidecar.codec.otlp.attributes import attributes_of, events_of, pick, status_message_of, text_of
from sidecar.codec.peer.ids import span_id_of, trace_id_of
from sidecar.fingerprint.stack import ErrorText
from sidecar.fingerprint.stacks.thrown import bare
from sidecar.model.span import SpanMessage
from sidecar.spans.label_values import label_value
from sidecar.spans.shape import Origin

NO_EXCEPTION = "(no exception)"
REMEMBERED = 20_000
"""Keys that are remembered, two for each exception: a few seconds of a bad time, 4 MB."""

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
    """An exception; only its type is decoded, because messages and stack traces are long.

    `attributes` has what is known of it by key, in wire form. Where a span failed without recording an exception,
    `place` is the span's name and `message` the description of its status.
    """

    type: str
    attributes: Mapping[bytes, bytes]
    place: str = ""
    message: str = ""

    @property
    def message_key(self) -> int:
        """What tells its message from others."""
        return hash(self.attributes.get(_MESSAGE))

    @property
    def explicit(self) -> str:
        """The fingerprint that the app has set; empty if it has not."""
        texts = attributes_of(self.attributes[key] for key in _FINGERPRINTS & self.attributes.keys())
        return next((label_value(texts[key]) for key in FINGERPRINTS if texts.get(key)), "")

    def text(self, origin: Origin) -> ErrorText:
        """Return all of it."""
        texts = attributes_of(self.attributes[key] for key in (_MESSAGE, _STACK) if key in self.attributes)
        message, stack = (str(texts.get(key.decode()) or "") for key in (_MESSAGE, _STACK))
        return ErrorText(self.type, message or self.message, stack, origin.language, self.place)


def exceptions_of(span: SpanMessage) -> Iterator[Reported]:
    """Yield the exceptions of a failed span, else one that stands for its failure."""
    found = False
    of_span = pick(span.attributes, {_ERROR_TYPE, *_FINGERPRINTS})
    failure = _type_of(of_span.pop(_ERROR_TYPE, None))
    for name, attributes in events_of(span):
        if name == "exception":
            found = True
            yield _exception(attributes, of_span)
    if not found:
        yield Reported(failure, of_span, label_value(text_of(span.name)), status_message_of(span.status))


def exception_of_log(attributes: Iterable[bytes]) -> Reported | None:
    """Return the exception that a log record with these attributes, in wire form, is about; None if there is none."""
    found = _exception(attributes, {})
    return found if {_TYPE, _MESSAGE} & found.attributes.keys() else None


def _exception(attributes: Iterable[bytes], of_span: Mapping[bytes, bytes]) -> Reported:
    picked = {**of_span, **pick(attributes, _OF_EXCEPTION)}
    return Reported(_type_of(picked.pop(_TYPE, None)), picked)


def _type_of(attribute: bytes | None) -> str:
    value = next(iter(attributes_of([attribute]).values()), None) if attribute else None
    return label_value(value) if value else NO_EXCEPTION


def ids_of(carrier: Carrier) -> Ids:
    """Return the ids of a span or a log record."""
    return trace_id_of(carrier.trace_id), span_id_of(carrier.span_id)


class Recognition:
    """Remembers which exceptions were reported, as far back as the last 10,000.

    An exception passes through several spans on its way up and is recorded on each of them: within one trace the same
    type and message are one. What is in no trace is always new. The same exception of the same span is one if it comes
    as an event and as a log record, whatever their messages. Types are compared without their modules, which not all
    log handlers tell.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[object, ...], None] = OrderedDict()  # a dict is slow to find its first

    def is_new(self, source: Source, ids: Ids, reported: Reported) -> bool:
        """Return whether this is the first report; remember it."""
        trace_id, span_id = ids
        if not trace_id:
            return True
        kind = bare(reported.type)
        of_trace = (trace_id, kind, reported.message_key)
        other = Source.EVENT if source is Source.LOG else Source.LOG
        if of_trace in self._recent or (span_id and (other, trace_id, span_id, kind) in self._recent):
            return False
        self._remember(of_trace)
        self._remember((source, trace_id, span_id, kind))
        return True

    def _remember(self, key: tuple[object, ...]) -> None:
        if len(self._recent) >= REMEMBERED:
            self._recent.popitem(last=False)
        self._recent[key] = None
