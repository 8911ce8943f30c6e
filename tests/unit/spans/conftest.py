"""Building span batches from the official messages, and reading samples."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.family import FamilySamples
from sidecar.model.span import SpanBatch

SECOND = 10**9


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    kinds = {bool: "bool_value", int: "int_value", str: "string_value", float: "double_value", bytes: "bytes_value"}
    return AnyValue(**{kinds[type(value)]: value})


@pytest.fixture
def span_of() -> Callable[..., Span]:
    def build(name: str = "op", kind: str = "SERVER", seconds: float = 0.2, **more: Any) -> Span:
        start = 1_700_000_000 * SECOND
        events = [Span.Event(name=event, attributes=attributes(values)) for event, values in more.pop("events", [])]
        values = attributes(more.pop("attributes", {}))
        return Span(
            name=name,
            kind=Span.SpanKind.Value(f"SPAN_KIND_{kind}"),
            start_time_unix_nano=start,
            end_time_unix_nano=start + round(seconds * SECOND),
            attributes=values,
            events=events,
            status=Status(code=more.pop("status", 0), message=more.pop("message", "")),
            **more,
        )

    return build


@pytest.fixture
def batch_of() -> Callable[..., SpanBatch]:
    def build(
        *spans: Span,
        service: str | None = "shop",
        now: float = 1000.0,
        host: str | None = None,
        version: str | None = None,
        language: str | None = None,
        scope: str = "",
    ) -> SpanBatch:
        named = {
            "service.name": service,
            "host.name": host,
            "service.version": version,
            "telemetry.sdk.language": language,
        }
        resource = Resource(attributes=attributes({key: value for key, value in named.items() if value}))
        of_scope = ScopeSpans(scope=InstrumentationScope(name=scope), spans=spans)
        of_resource = ResourceSpans(resource=resource, scope_spans=[of_scope])
        body = ExportTraceServiceRequest(resource_spans=[of_resource]).SerializeToString()
        return SpanBatch(now, [group for batch in SpanBatches(body, now) for group in batch.groups])

    return build


@pytest.fixture
def values_of() -> Callable[..., dict[tuple[str, ...], float]]:
    """Return a reader of one sample name: the values of the named labels, to the value."""

    def read(families: list[FamilySamples], name: str, *labels: str) -> dict[tuple[str, ...], float]:
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return {tuple(dict(sample.labels).get(label, "") for label in labels): sample.value for sample in samples}

    return read
