"""Spans as their senders mean them: OTLP read by its official messages, one span at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sidecar.codec.otlp.schema import Span as SpanOfCodec
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.calls import INCOMING, OUTGOING, SHORTENED
from sidecar.spans.exceptions import Reported, exceptions_of
from sidecar.spans.shape import SpanShape, shape_of

NANO = 10**9
UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
SERVED, CALLED, WITHIN = (SERVER, CONSUMER), (CLIENT, PRODUCER), (UNSPECIFIED, INTERNAL)
COUNTED = (*SERVED, *CALLED)

REDACT = Redactor(RedactConfig())


@dataclass(frozen=True, eq=False)
class Sent:
    """A span, who sent it, and when it came in Unix seconds, at which place. Ids are empty where there is none."""

    received_at: float
    place: int
    service: str
    language: str
    release: str
    span: Span

    @cached_property
    def trace_id(self) -> bytes:
        return _id_of(self.span.trace_id, 16)

    @cached_property
    def span_id(self) -> bytes:
        return _id_of(self.span.span_id, 8)

    @cached_property
    def parent_id(self) -> bytes:
        return _id_of(self.span.parent_span_id, 8)

    @property
    def kind(self) -> int:
        return self.span.kind if 0 <= self.span.kind <= CONSUMER else UNSPECIFIED

    @property
    def is_counted(self) -> bool:
        return self.kind in COUNTED

    @cached_property
    def nanoseconds(self) -> int:
        """How long it took: nothing, if its times say what cannot be."""
        start, end = self.span.start_time_unix_nano, self.span.end_time_unix_nano
        length = end - start
        if not start or length <= 0 or length > 30 * 86_400 * NANO:
            return 0
        if length > 3_600 * NANO and end > (self.received_at + 86_400) * NANO:
            return 0
        return length

    @property
    def seconds(self) -> float:
        return self.nanoseconds / 1e9

    @cached_property
    def weight(self) -> float:
        """How many spans it stands for."""
        return _adjusted_count(self.span.trace_state)

    @cached_property
    def shape(self) -> SpanShape:
        keys = OUTGOING if self.span.kind in CALLED else INCOMING
        attributes = {key: REDACT(key, value) for key, value in _wanted(self.span.attributes, keys).items()}
        status = self.span.status.code
        return shape_of(self.service, REDACT("span.name", self.span.name), self.span.kind, status, attributes, {})

    @cached_property
    def failed(self) -> bool:
        return self.shape.failed

    @cached_property
    def statement(self) -> str:
        """What a call to a database asked, without values; empty if it has no text."""
        assert self.shape.database is not None
        of_span = {pair.key: pair.value.string_value for pair in self.span.attributes}
        text = next((of_span[key] for key in ("db.query.text", "db.statement") if key in of_span), "")
        return str(REDACT.statement(self.shape.database.system, text))[:4000]

    @cached_property
    def exceptions(self) -> Sequence[Reported]:
        """The exceptions that a failed span tells, else one that stands for its failure."""
        return list(exceptions_of(self._of_codec, self.language))

    @cached_property
    def tells_exceptions(self) -> bool:
        return any(event.name == "exception" for event in self.span.events)

    @cached_property
    def is_local_root(self) -> bool:
        """Whether it has no parent, or one in another process; where nobody says, whether it is served."""
        if not self.parent_id:
            return True
        knows, is_remote = self.span.flags & 0x100, self.span.flags & 0x200
        return bool(is_remote) if knows else self.kind in SERVED

    @property
    def route(self) -> str:
        """What a request is called by those who speak of its queries."""
        shape = self.shape
        if not self.is_counted:
            return self.span.name
        return shape.name if shape.route == "(no route)" else f"{shape.method} {shape.route}".strip()

    def started_nano(self) -> int:
        """When it started; when it came, if it says what cannot be."""
        start = self.span.start_time_unix_nano
        is_plausible = 631_152_000 <= start / 1e9 <= self.received_at + 600
        return start if is_plausible else round(self.received_at * 1e9)

    @property
    def _of_codec(self) -> Any:
        return SpanOfCodec.FromString(self.span.SerializeToString())


def sent_in(body: bytes, received_at: float) -> Iterator[Sent]:
    """Yield the spans of a protobuf request in their order."""
    places = count()
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        of = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
        keys = ("service.name", "telemetry.sdk.language", "service.version")
        service, language, release = (str(REDACT(key, of.get(key, "")))[:256] for key in keys)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Sent(received_at, next(places), service or "unknown_service", language, release, span)


def _id_of(raw: bytes, length: int) -> bytes:
    return raw if len(raw) == length and any(raw) else b""


def _wanted(attributes: Iterable[KeyValue], keys: Iterable[str]) -> Mapping[str, Any]:
    """Return what some attributes say, of long texts the part that matters; the last of a repeated key wins."""
    found: dict[str, Any] = {}
    for pair in attributes:
        if pair.key not in keys:
            continue
        if pair.key in SHORTENED:
            short = SHORTENED[pair.key](KeyValue(value=pair.value).SerializeToString())
            if short is not None:
                found[pair.key] = short.decode(errors="replace")
            continue
        kind = pair.value.WhichOneof("value")
        is_plain = kind in ("string_value", "bool_value", "int_value", "double_value", "bytes_value")
        found[pair.key] = getattr(pair.value, kind) if kind and is_plain else None
    return found


def _adjusted_count(trace_state: str) -> float:
    """Return 1 over the probability with which the span was sampled, by its entry `ot=` in the trace state."""
    of_otel = next((entry.strip()[3:] for entry in trace_state.split(",") if entry.strip().startswith("ot=")), "")
    said = dict(part.partition(":")[::2] for part in of_otel.split(";"))
    threshold = said.get("th", "")
    if not threshold or len(threshold) > 14 or not all(digit in "0123456789abcdef" for digit in threshold):
        return 1.0
    rejected = Fraction(int(threshold.ljust(14, "0"), 16), 1 << 56)
    randomness = said.get("rv", "")
    if len(randomness) == 14 and Fraction(int(randomness, 16), 1 << 56) < rejected:
        return 1.0
    return float(1 / (1 - rejected))
