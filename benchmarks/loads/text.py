"""Requests in OTLP's JSON, with ids in hex and 64-bit numbers as strings."""

import json
from functools import lru_cache

from benchmarks.loads.protobuf import SCHEMA, SCOPE_VERSION
from benchmarks.loads.spans import Attributes, Event, Request, Span, Value

_REMEMBERED = 1 << 16


def request(content: Request) -> bytes:
    """Return an ExportTraceServiceRequest."""
    scopes = ",".join(
        f'{{"scope":{{"name":{_quoted(name)},"version":"{SCOPE_VERSION}"}},"spans":[{",".join(map(_span, spans))}],'
        f'"schemaUrl":"{SCHEMA}"}}'
        for name, spans in content.scopes.items()
    )
    resource = _attributes(content.resource)
    return f'{{"resourceSpans":[{{"resource":{{"attributes":{resource}}},"scopeSpans":[{scopes}]}}]}}'.encode()


def _span(span: Span) -> str:
    parent = f'"parentSpanId":"{span.parent_id.hex()}",' if span.parent_id else ""
    events = f'"events":[{",".join(map(_event, span.events))}],' if span.events else ""
    status = "{}" if span.failed_with is None else f'{{"message":{_quoted(span.failed_with)},"code":2}}'
    return (
        f'{{"traceId":"{span.trace_id.hex()}","spanId":"{span.span_id.hex()}",{parent}"name":{_quoted(span.name)},'
        f'"kind":{span.kind},"startTimeUnixNano":"{span.start_nano}","endTimeUnixNano":"{span.end_nano}",'
        f'"attributes":{_attributes(span.attributes)},{events}"status":{status},"flags":{span.flags}}}'
    )


def _event(event: Event) -> str:
    attributes = _attributes(event.attributes)
    return f'{{"timeUnixNano":"{event.at_nano}","name":{_quoted(event.name)},"attributes":{attributes}}}'


def _attributes(attributes: Attributes) -> str:
    return f"[{','.join([_attribute(key, value) for key, value in attributes.items()])}]"


@lru_cache(_REMEMBERED, typed=True)  # typed: True is 1, but not written like it
def _attribute(key: str, value: Value) -> str:
    return f'{{"key":{_quoted(key)},"value":{json.dumps(_any_value(value), separators=(",", ":"))}}}'


def _any_value(value: Value) -> dict[str, Value]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}


@lru_cache(_REMEMBERED)
def _quoted(text: str) -> str:
    return json.dumps(text)
