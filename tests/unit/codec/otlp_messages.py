"""Random messages of the official schema, every field of it, and how they read in OTLP/JSON."""

import base64
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.codec.otlp.signal import LOGS, METRICS, TRACES, Signal

REQUESTS: Mapping[Signal, Any] = {
    TRACES: ExportTraceServiceRequest,
    METRICS: ExportMetricsServiceRequest,
    LOGS: ExportLogsServiceRequest,
}
IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}

_INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_ENUM: (0, 2),
}
_OTHERS: Mapping[int, Callable[[Random], Any]] = {
    FieldDescriptor.TYPE_BOOL: lambda random: random.random() < 0.5,
    FieldDescriptor.TYPE_STRING: lambda random: random.choice(
        ["", "a", 'quote " \\ \n \t', "žluť \U0001f600", "x" * 300]
    ),
    FieldDescriptor.TYPE_BYTES: lambda random: random.randbytes(random.choice([0, 1, 8, 16])),
    FieldDescriptor.TYPE_DOUBLE: lambda random: random.choice([0.0, -0.0, 1.5, -1e300, 5e-324, float("inf")]),
}


def request(signal: Signal, random: Random) -> Any:
    """Return a random request."""
    return _filled(REQUESTS[signal](), random, 0)


def json_of(message: Message, *, names: bool = False, snake_case: bool = False) -> Any:
    """Return `message` as OTLP/JSON: ids in hexadecimal where the mapping of proto3 has base64.

    Enumerations are numbers, or names if asked for.
    """
    data = json_format.MessageToDict(message, use_integers_for_enums=not names, preserving_proto_field_name=snake_case)
    return _with_ids(data, lambda text: base64.b64decode(text).hex())


def official_of(signal: Signal, data: Any) -> Any:
    """Return the request that OTLP/JSON `data` is, read by the official library, which knows only base64."""
    data = _with_ids(data, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(data, REQUESTS[signal]())


def _filled(message: Any, random: Random, depth: int) -> Any:
    chosen = {random.choice(oneof.fields).number for oneof in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        if random.random() < depth / 8 or (field.containing_oneof and field.number not in chosen):
            continue
        if field.is_repeated:
            items = getattr(message, field.name)
            for _ in range(random.randrange(1, 3)):
                if field.message_type:
                    _filled(items.add(), random, depth + 1)
                else:
                    items.append(_scalar(field, random))
        elif field.message_type:
            target = getattr(message, field.name)
            target.SetInParent()
            _filled(target, random, depth + 1)
        else:
            setattr(message, field.name, _scalar(field, random))
    return message


def _scalar(field: FieldDescriptor, random: Random) -> Any:
    if field.type in _INTEGERS:
        low, high = _INTEGERS[field.type]
        return random.choice([low, high, 0, 1, 2, random.randint(low, high)]) if low < 0 else random.randint(low, high)
    return _OTHERS[field.type](random)


def _with_ids(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: change(inner) if key in IDS else _with_ids(inner, change) for key, inner in value.items()}
    return [_with_ids(item, change) for item in value] if isinstance(value, list) else value
