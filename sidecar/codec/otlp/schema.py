"""A slim schema over OTLP's wire format, declared at run time.

The field numbers are those of opentelemetry-proto 1.11; what is not declared is kept as an unknown field. Strings are
`bytes`, because one invalid UTF-8 string would make a parser of `string` refuse the whole request, and nested messages
that few readers look into are `bytes` too, because creating them costs most of a stock parser's 9 us a span. Lists and
maps as values of attributes are not declared: no derived metric is told apart by them, and a few bytes make thousands.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from sidecar.model.errors import MalformedInputError
from sidecar.model.log import LogMessage
from sidecar.model.metric import ExponentialMessage, HistogramMessage, NumberMessage, SummaryMessage
from sidecar.model.span import SpanMessage

_PACKAGE = "sidecar.otlp"
_FIELD = descriptor_pb2.FieldDescriptorProto
_BYTES = _FIELD.TYPE_BYTES
_SCHEMA: dict[str, tuple[tuple[str, int, int | str], ...]] = {
    "Resource": (("attributes[]", 1, _BYTES),),
    "Span": (
        ("trace_id", 1, _BYTES),
        ("span_id", 2, _BYTES),
        ("trace_state", 3, _BYTES),
        ("parent_span_id", 4, _BYTES),
        ("name", 5, _BYTES),
        ("kind", 6, _FIELD.TYPE_INT32),
        ("start_time_unix_nano", 7, _FIELD.TYPE_FIXED64),
        ("end_time_unix_nano", 8, _FIELD.TYPE_FIXED64),
        ("attributes[]", 9, _BYTES),
        ("dropped_attributes_count", 10, _FIELD.TYPE_UINT32),
        ("events[]", 11, _BYTES),
        ("dropped_events_count", 12, _FIELD.TYPE_UINT32),
        ("links[]", 13, _BYTES),
        ("dropped_links_count", 14, _FIELD.TYPE_UINT32),
        ("status", 15, _BYTES),
        ("flags", 16, _FIELD.TYPE_FIXED32),
    ),
    "Spans": (("spans[]", 2, "Unread"),),
    "Unread": (),
    "SpanTails": (
        ("trace_id[]", 1, _BYTES),
        ("span_id[]", 2, _BYTES),
        ("trace_state[]", 3, _BYTES),
        ("parent_span_id[]", 4, _BYTES),
        ("name[]", 5, _BYTES),
        ("kind[]", 6, _FIELD.TYPE_INT32),
        ("start_time_unix_nano[]", 7, _FIELD.TYPE_FIXED64),
        ("end_time_unix_nano[]", 8, _FIELD.TYPE_FIXED64),
        ("attributes[]", 9, _BYTES),
        ("status[]", 15, _BYTES),
        ("flags[]", 16, _FIELD.TYPE_FIXED32),
    ),
    "ScopeItems": (("scope", 1, _BYTES), ("items[]", 2, _BYTES)),
    "Scope": (("name", 1, _BYTES), ("version", 2, _BYTES), ("attributes[]", 3, _BYTES)),
    "LogRecord": (
        ("time_unix_nano", 1, _FIELD.TYPE_FIXED64),
        ("severity_number", 2, _FIELD.TYPE_INT32),
        ("severity_text", 3, _BYTES),
        ("body", 5, _BYTES),
        ("attributes[]", 6, _BYTES),
        ("trace_id", 9, _BYTES),
        ("span_id", 10, _BYTES),
        ("observed_time_unix_nano", 11, _FIELD.TYPE_FIXED64),
        ("event_name", 12, _BYTES),
    ),
    "Metric": (
        ("name", 1, _BYTES),
        ("description", 2, _BYTES),
        ("unit", 3, _BYTES),
        ("data|gauge", 5, _BYTES),
        ("data|sum", 7, _BYTES),
        ("data|histogram", 9, _BYTES),
        ("data|exponential_histogram", 10, _BYTES),
        ("data|summary", 11, _BYTES),
    ),
    "MetricData": (
        ("data_points[]", 1, _BYTES),
        ("aggregation_temporality", 2, _FIELD.TYPE_INT32),
        ("is_monotonic", 3, _FIELD.TYPE_BOOL),
    ),
    "NumberPoint": (
        ("start_time_unix_nano", 2, _FIELD.TYPE_FIXED64),
        ("time_unix_nano", 3, _FIELD.TYPE_FIXED64),
        ("value|as_double", 4, _FIELD.TYPE_DOUBLE),
        ("value|as_int", 6, _FIELD.TYPE_SFIXED64),
        ("attributes[]", 7, _BYTES),
        ("flags", 8, _FIELD.TYPE_UINT32),
    ),
    "HistogramPoint": (
        ("start_time_unix_nano", 2, _FIELD.TYPE_FIXED64),
        ("time_unix_nano", 3, _FIELD.TYPE_FIXED64),
        ("count", 4, _FIELD.TYPE_FIXED64),
        ("optional|sum", 5, _FIELD.TYPE_DOUBLE),
        ("bucket_counts[]", 6, _FIELD.TYPE_FIXED64),
        ("explicit_bounds[]", 7, _FIELD.TYPE_DOUBLE),
        ("attributes[]", 9, _BYTES),
        ("flags", 10, _FIELD.TYPE_UINT32),
    ),
    "ExponentialPoint": (
        ("attributes[]", 1, _BYTES),
        ("start_time_unix_nano", 2, _FIELD.TYPE_FIXED64),
        ("time_unix_nano", 3, _FIELD.TYPE_FIXED64),
        ("count", 4, _FIELD.TYPE_FIXED64),
        ("optional|sum", 5, _FIELD.TYPE_DOUBLE),
        ("scale", 6, _FIELD.TYPE_SINT32),
        ("zero_count", 7, _FIELD.TYPE_FIXED64),
        ("positive", 8, "Buckets"),
        ("negative", 9, "Buckets"),
        ("flags", 10, _FIELD.TYPE_UINT32),
        ("zero_threshold", 14, _FIELD.TYPE_DOUBLE),
    ),
    "Buckets": (("offset", 1, _FIELD.TYPE_SINT32), ("bucket_counts[]", 2, _FIELD.TYPE_UINT64)),
    "SummaryPoint": (
        ("start_time_unix_nano", 2, _FIELD.TYPE_FIXED64),
        ("time_unix_nano", 3, _FIELD.TYPE_FIXED64),
        ("count", 4, _FIELD.TYPE_FIXED64),
        ("sum", 5, _FIELD.TYPE_DOUBLE),
        ("quantile_values[]", 6, "ValueAtQuantile"),
        ("attributes[]", 7, _BYTES),
        ("flags", 8, _FIELD.TYPE_UINT32),
    ),
    "ValueAtQuantile": (("quantile", 1, _FIELD.TYPE_DOUBLE), ("value", 2, _FIELD.TYPE_DOUBLE)),
    "Event": (("time_unix_nano", 1, _FIELD.TYPE_FIXED64), ("name", 2, _BYTES), ("attributes[]", 3, _BYTES)),
    "Link": (
        ("trace_id", 1, _BYTES),
        ("span_id", 2, _BYTES),
        ("trace_state", 3, _BYTES),
        ("attributes[]", 4, _BYTES),
        ("flags", 6, _FIELD.TYPE_FIXED32),
    ),
    "Status": (("message", 2, _BYTES), ("code", 3, _FIELD.TYPE_INT32)),
    "KeyValue": (("key", 1, _BYTES), ("value", 2, "AnyValue")),
    "AnyValue": (
        ("value|string_value", 1, _BYTES),
        ("value|bool_value", 2, _FIELD.TYPE_BOOL),
        ("value|int_value", 3, _FIELD.TYPE_INT64),
        ("value|double_value", 4, _FIELD.TYPE_DOUBLE),
        ("value|bytes_value", 7, _BYTES),
    ),
    "RpcStatus": (("code", 1, _FIELD.TYPE_INT32), ("message", 2, _BYTES), ("details[]", 3, "Any")),
    "Any": (("type_url", 1, _BYTES), ("value", 2, _BYTES)),
    "RetryInfo": (("retry_delay", 1, "Duration"),),
    "Duration": (("seconds", 1, _FIELD.TYPE_INT64), ("nanos", 2, _FIELD.TYPE_INT32)),
    "ExportResponse": (("partial_success", 1, "PartialSuccess"),),
    "PartialSuccess": (("rejected", 1, _FIELD.TYPE_INT64), ("error_message", 2, _BYTES)),
}
"""Messages by name, fields as (name, number, type): `[]` is a repeated field, `oneof|name` a member of a oneof."""

MessageT_co = TypeVar("MessageT_co", covariant=True)


class MessageType(Protocol[MessageT_co]):
    """What we use of a message class."""

    def FromString(self, data: bytes, /) -> MessageT_co:  # noqa: N802 - protobuf's name
        """Return the message whose wire form is `data`; raise DecodeError."""
        ...


class ScopeItemsMessage(Protocol):
    """OTLP's ScopeSpans, ScopeMetrics or ScopeLogs, what is in it in its wire form."""

    scope: bytes
    items: Sequence[bytes]


class SpanTailsMessage(Protocol):
    """Fields of spans that stand one after the other: the messages of several, read as one."""

    trace_id: Sequence[bytes]
    span_id: Sequence[bytes]
    trace_state: Sequence[bytes]
    parent_span_id: Sequence[bytes]
    name: Sequence[bytes]
    kind: Sequence[int]
    start_time_unix_nano: Sequence[int]
    end_time_unix_nano: Sequence[int]
    attributes: Sequence[bytes]
    status: Sequence[bytes]
    flags: Sequence[int]


class AttributesMessage(Protocol):
    """Any message with a repeated KeyValue `attributes`."""

    attributes: Sequence[bytes]


class EventMessage(AttributesMessage, Protocol):
    """OTLP's Span.Event."""

    time_unix_nano: int
    name: bytes


def _declare_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: int | str) -> None:
    group, _, bare = name.rpartition("|")
    field = message.field.add(name=bare.removesuffix("[]"), number=number)
    field.label = _FIELD.LABEL_REPEATED if bare.endswith("[]") else _FIELD.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = cast("Any", kind)
    if group:
        if not message.oneof_decl:
            message.oneof_decl.add(name=group)
        field.oneof_index = 0


def _declare() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="sidecar/otlp.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _declare_field(message, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _declare()


def _message_class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Resource: MessageType[AttributesMessage] = _message_class("Resource")
Spans: MessageType[Any] = _message_class("Spans")
Span: MessageType[SpanMessage] = _message_class("Span")
SpanTails: MessageType[SpanTailsMessage] = _message_class("SpanTails")
Event: MessageType[EventMessage] = _message_class("Event")
Link: MessageType[Any] = _message_class("Link")
Scope: MessageType[Any] = _message_class("Scope")
Status: MessageType[Any] = _message_class("Status")
KeyValue: Any = _message_class("KeyValue")
ScopeItems: MessageType[ScopeItemsMessage] = _message_class("ScopeItems")
LogRecord: MessageType[LogMessage] = _message_class("LogRecord")
Metric: MessageType[Any] = _message_class("Metric")
MetricData: MessageType[Any] = _message_class("MetricData")
NumberPoint: MessageType[NumberMessage] = _message_class("NumberPoint")
HistogramPoint: MessageType[HistogramMessage] = _message_class("HistogramPoint")
ExponentialPoint: MessageType[ExponentialMessage] = _message_class("ExponentialPoint")
SummaryPoint: MessageType[SummaryMessage] = _message_class("SummaryPoint")
AnyValue: MessageType[Any] = _message_class("AnyValue")
RpcStatus: Any = _message_class("RpcStatus")
RetryInfo: Any = _message_class("RetryInfo")
ExportResponse: Any = _message_class("ExportResponse")
PartialSuccess: Any = _message_class("PartialSuccess")

T = TypeVar("T")


def parse(kind: MessageType[T], data: bytes, name: str) -> T:
    """Return `data` as a message; raise MalformedInputError, which calls it `name`."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MalformedInputError(f"not a valid {name} message") from error
