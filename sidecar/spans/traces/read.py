"""Kept traces as they are shown: read when somebody asks, and masked as the configuration says then."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from sidecar.codec.otlp.schema import AnyValue
from sidecar.codec.otlp.span_detail import DetailGroup, DetailReader, SpanDetail
from sidecar.codec.peer.numbers import INT64, number_of, whole_number_of
from sidecar.derive.origin import UNKNOWN_SERVICE
from sidecar.model.redact import Redact
from sidecar.model.steps import Steps
from sidecar.redaction.telemetry import STATEMENTS
from sidecar.spans.shape import counts_as_failed
from sidecar.spans.traces.held import Part
from sidecar.spans.traces.kept import KeptTrace
from sidecar.spans.traces.pack import unpack

_STEP_SPANS = 40
_STEP_BYTES = 64 << 10
"""What is read in one step: about 4 ms."""
_LONGEST_LITERAL = 256
_CHANGED = frozenset("*? '\"\ufffd")
"""Some of these are in every text that masking has changed, that was cut, no UTF-8, or made of bytes."""
_MANY, _NAMED = ("[", "{"), ("true", "false", "None", "nan", "inf", "-inf")
"""How lists and maps begin, and values that are shown by a name."""


def groups_of(trace: KeptTrace, redact: Redact) -> Iterator[DetailGroup]:
    """Yield the spans of `trace`, as many at once as are the work of a step."""
    reader = DetailReader(redact)
    for parts in unpack(trace):
        for source, spans in _pieces(parts):
            yield reader.group(*source, spans)


class Attribute:
    """An attribute to look for, its key and value as they are shown; the value as text, as `text_of_value` has it."""

    def __init__(self, key: str, value: str, redact: Redact) -> None:
        self._key, self._value = key, value
        self._literal = key.encode() if _is_literal(key) else b""
        self._forms = _forms_of(value) if key not in STATEMENTS else (b"",)
        self._reader = DetailReader(redact, self._literal)

    def is_in(self, trace: KeptTrace) -> Steps[bool]:
        """Return whether a span of `trace`, an event of one, or a resource has it."""
        for parts in unpack(trace, self._may_be_in):
            yield
            for source, spans in _pieces(parts):
                group = self._reader.group(*source, [*filter(self._may_be_in, spans)])
                if any(key == self._key and text_of_value(value) == self._value for key, value in _pairs_of(group)):
                    return True
                yield
        return False

    def _may_be_in(self, raw: bytes) -> bool:
        return self._literal in raw and any(form in raw for form in self._forms)


def failed(span: SpanDetail) -> bool:
    """Whether `span` counts as an error: by the rule of the metrics."""
    return counts_as_failed(span.kind, span.status_code, span.attributes)


def service_name(group: DetailGroup) -> str:
    """Return the service of a group; `unknown_service` without one."""
    return str(group.resource.get("service.name") or UNKNOWN_SERVICE)


def text_of_value(value: Any) -> str:
    """Return the text that an attribute's value is searched by: `true` and `false` as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_literal(text: str) -> bool:
    """Return whether what is shown as `text` came just so: what masking changes has `*`, `?` or spaces in it."""
    return len(text) <= _LONGEST_LITERAL and text.isprintable() and _CHANGED.isdisjoint(text)


def _forms_of(value: str) -> tuple[bytes, ...]:
    """Return bytes of which some are in every attribute whose value is shown as `value`."""
    if not _is_literal(value) or value[:1] in _MANY or value in _NAMED:
        return (b"",)
    whole, number, message = whole_number_of(value), number_of(value), cast("Any", AnyValue)
    forms = [value.encode()]
    forms += [] if whole is None or whole not in INT64 else [message(int_value=whole).SerializeToString()]
    forms += [] if number is None else [message(double_value=number).SerializeToString()]
    return tuple(forms)


def _pieces(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the same spans, as many together as are the work of a step."""
    for source, spans in parts:
        piece: list[bytes] = []
        size = 0
        for span in spans:
            if piece and (len(piece) == _STEP_SPANS or size + len(span) > _STEP_BYTES):
                yield source, piece
                piece, size = [], 0
            piece.append(span)
            size += len(span)
        yield source, piece


def _pairs_of(group: DetailGroup) -> Iterator[tuple[str, Any]]:
    """Yield every attribute of a group that can be searched: those of its resource, spans and events."""
    yield from group.resource.items()
    for span in group.spans:
        yield from span.attributes.items()
        for event in span.events:
            yield from event.attributes.items()
