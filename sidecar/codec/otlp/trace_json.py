"""A trace as OTLP/JSON: the ExportTraceServiceRequest that would bring it, by the mapping of OTLP's specification.

Ids are lower-case hex, 64-bit integers are strings, enumerations are numbers, bytes are base64; fields at their default
are left out, except those of a span that every reader expects.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec

from sidecar.codec.json_text import json_bytes
from sidecar.codec.otlp.span_detail import Attributes, Detail, DetailGroup, EventDetail, LinkDetail, SpanDetail
from sidecar.codec.otlp.texts import not_finite
from sidecar.model.steps import Steps

_STEP_SPANS = 50


def otlp_json(trace_id: bytes, groups: Sequence[DetailGroup]) -> Steps[bytes]:
    """Return a trace as the body of an OTLP/JSON request."""
    resources: dict[bytes, tuple[Attributes, list[bytes]]] = {}
    for group in groups:
        scope = yield from _scope_spans(trace_id, group)
        key = msgspec.msgpack.encode(group.resource)
        resources.setdefault(key, (group.resource, []))[1].append(scope)
    of_resources = [
        _object({"resource": {"attributes": _attributes(resource)}}, "scopeSpans", scopes)
        for resource, scopes in resources.values()
    ]
    return _object({}, "resourceSpans", of_resources)


def _scope_spans(trace_id: bytes, group: DetailGroup) -> Steps[bytes]:
    spans = []
    for number, span in enumerate(group.spans, 1):
        spans.append(json_bytes(_span(trace_id, span)))
        if number % _STEP_SPANS == 0:
            yield
    scope = {
        "name": group.scope.name,
        "version": group.scope.version,
        "attributes": _attributes(group.scope.attributes),
    }
    return _object({"scope": _said(scope)}, "spans", spans)


def _object(fields: Mapping[str, Any], name: str, items: Iterable[bytes]) -> bytes:
    """Return a JSON object of `fields` and, under `name`, a list of what is encoded already."""
    return json_bytes({**fields, name: [msgspec.Raw(item) for item in items]})


def _span(trace_id: bytes, span: SpanDetail) -> dict[str, Any]:
    status = {"message": span.status_message, "code": span.status_code}
    rest = {
        "traceState": span.trace_state,
        "parentSpanId": span.parent_span_id.hex(),
        "flags": span.flags,
        "attributes": _attributes(span.attributes),
        "droppedAttributesCount": span.dropped.attributes,
        "events": [_event(event) for event in span.events],
        "droppedEventsCount": span.dropped.events,
        "links": [_link(link) for link in span.links],
        "droppedLinksCount": span.dropped.links,
        "status": _said(status),
    }
    return {
        "traceId": trace_id.hex(),
        "spanId": span.span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        **_said(rest),
    }


def _event(event: EventDetail) -> dict[str, Any]:
    attributes = {"attributes": _attributes(event.attributes)}
    return {"timeUnixNano": str(event.time_unix_nano), "name": event.name, **_said(attributes)}


def _link(link: LinkDetail) -> dict[str, Any]:
    rest = {"traceState": link.trace_state, "attributes": _attributes(link.attributes), "flags": link.flags}
    return {"traceId": link.trace_id.hex(), "spanId": link.span_id.hex(), **_said(rest)}


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Detail) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if isfinite(value) else not_finite(value)}
        case bytes():
            return {"bytesValue": b64encode(value).decode()}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": _attributes(value)}}
        case _:
            return {"stringValue": str(value)}


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` without those at their default."""
    return {name: value for name, value in fields.items() if value}
