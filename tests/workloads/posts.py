"""Requests of a workload, in protobuf and in JSON, and when they are sent."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Service:
    """Who sends spans."""

    name: str = "shop"
    language: str = "python"
    release: str = "1.0"

    def resource(self) -> Resource:
        of = {"service.name": self.name, "telemetry.sdk.language": self.language, "service.version": self.release}
        return Resource(attributes=attributes({key: value for key, value in of.items() if value}))


@dataclass(frozen=True)
class Made:
    """A span, and the service that sends it."""

    service: Service
    span: Span


@dataclass(frozen=True)
class Post:
    """A request that is sent `at` seconds after the workload began; `rewrite` changes its bytes, not what it means."""

    at: float
    request: ExportTraceServiceRequest
    rewrite: Callable[[bytes], bytes] = bytes

    def protobuf(self) -> bytes:
        return self.rewrite(self.request.SerializeToString())

    def json(self) -> bytes:
        """Return the same as OTLP's JSON, which has ids in hexadecimal."""
        return json.dumps(_with_hex_ids(MessageToDict(self.request, use_integers_for_enums=True))).encode()


def post(at: float, spans: Iterable[Made], rewrite: Callable[[bytes], bytes] = bytes) -> Post:
    """Return one request of `spans` in their order: a resource for each run of spans of one service."""
    request = ExportTraceServiceRequest()
    last: Service | None = None
    for made in spans:
        if made.service != last:
            last = made.service
            scope_spans = ScopeSpans(scope=InstrumentationScope(name="made", version="1"))
            request.resource_spans.append(ResourceSpans(resource=last.resource(), scope_spans=[scope_spans]))
        request.resource_spans[-1].scope_spans[-1].spans.append(made.span)
    return Post(at, request, rewrite)


def posts(spans: Sequence[Made], size: int, every_seconds: float, at: float = 0.0) -> Iterator[Post]:
    """Yield `spans` in their order, `size` of them every so many seconds."""
    for number, first in enumerate(range(0, len(spans), size)):
        yield post(at + number * every_seconds, spans[first : first + size])


def attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in values.items()]


def _any_value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(_any_value, value)))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value", str: "string_value"}
    return AnyValue() if value is None else AnyValue(**{kinds[type(value)]: value})


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {key: base64.b64decode(item).hex() if key in IDS else _with_hex_ids(item) for key, item in value.items()}
    return value
