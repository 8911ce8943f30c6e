"""A kept trace as OTLP/JSON says everything that its protobuf form said."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.codec.otlp.parsed import parsed
from sidecar.codec.otlp.span_detail import DetailReader
from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.steps import finished
from tests.conftest import ROOT

GOLDEN = ROOT / "tests/golden/traces/otlp.json"
OFFICIAL = Path(os.environ.get("SIDECAR_SHARED", ROOT / "../shared")) / "data/otlp/otlp-trace.json"
IDS = ("traceId", "spanId", "parentSpanId")


def shown(request: ExportTraceServiceRequest) -> Any:
    """Return what we show of a request with one trace."""
    read = DetailReader(lambda key, value: value).group
    body = request.SerializeToString()
    groups = [group for batch in SpanBatches(body, 0.0) for group in batch.groups]
    (trace_id,) = {parsed(raw).trace_id for group in groups for raw in group.spans}
    details = [read(group.resource, group.scope, group.spans) for group in groups]
    return json.loads(finished(otlp_json(trace_id, details)))


def with_ids(value: Any, convert: Callable[[str], str]) -> Any:
    """Return JSON with every id of a span or trace converted."""
    if isinstance(value, dict):
        return {key: convert(of) if key in IDS else with_ids(of, convert) for key, of in value.items()}
    return [with_ids(item, convert) for item in value] if isinstance(value, list) else value


def request_of(document: Any) -> ExportTraceServiceRequest:
    """Return OTLP/JSON as the official message."""
    return json_format.ParseDict(
        with_ids(document, lambda text: b64encode(bytes.fromhex(text)).decode()), ExportTraceServiceRequest()
    )


def official_json(request: ExportTraceServiceRequest) -> Any:
    """Return what the official library makes of a request, with ids as OTLP writes them."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    return with_ids(document, lambda text: b64decode(text).hex())


def test_it_is_as_in_the_golden_file_and_as_the_official_library_reads_it() -> None:
    golden = json.loads(GOLDEN.read_text())
    request = request_of(golden)
    assert shown(request) == golden
    assert official_json(request) == golden


def test_the_official_example_comes_back_as_it_is() -> None:
    if not OFFICIAL.exists():
        pytest.skip("the official OTLP examples are not here")
    document = json.loads(OFFICIAL.read_text())
    assert shown(request_of(document)) == with_ids(document, str.lower)


@pytest.mark.parametrize(
    ("value", "text"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")]
)
def test_numbers_that_json_does_not_have_are_words(value: float, text: str) -> None:
    request = request_of(json.loads(GOLDEN.read_text()))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="odd").value.double_value = value
    found = shown(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    assert found[-1] == {"key": "odd", "value": {"doubleValue": text}}


def test_what_is_nested_without_end_is_cut_and_the_rest_is_there() -> None:
    request = request_of(json.loads(GOLDEN.read_text()))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    value = span.attributes.add(key="deep").value
    for _ in range(60):
        value = value.array_value.values.add()
    wide = span.attributes.add(key="wide").value.array_value.values
    for number in range(1000):
        wide.add().int_value = number
    *_, deep, of_wide = shown(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    assert json.dumps(deep).count("arrayValue") == 8
    assert len(of_wide["value"]["arrayValue"]["values"]) == 128


def test_attributes_and_events_beyond_the_most_are_counted_as_dropped() -> None:
    request = request_of(json.loads(GOLDEN.read_text()))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    before = len(span.attributes), span.dropped_attributes_count, len(span.events), span.dropped_events_count
    for number in range(200):
        span.attributes.add(key=f"k{number}").value.string_value = "v"
        span.events.add(name="e")
    found = shown(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert len(found["attributes"]) == 128
    assert found["droppedAttributesCount"] == before[0] + before[1] + 200 - 128
    assert found["droppedEventsCount"] == before[2] + before[3] + 200 - 32
    assert found["status"] == {"message": "bad", "code": 2}


def test_a_long_stack_trace_is_cut_and_its_event_is_there() -> None:
    request = request_of(json.loads(GOLDEN.read_text()))
    event = request.resource_spans[0].scope_spans[0].spans[0].events.add(name="exception")
    event.attributes.add(key="exception.stacktrace").value.string_value = "at f\n" * 50_000
    event.attributes.add(key="exception.type").value.string_value = "E"
    found = shown(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["events"][-1]
    values = {item["key"]: item["value"]["stringValue"] for item in found["attributes"]}
    assert values["exception.type"] == "E"
    assert 16_000 < len(values["exception.stacktrace"]) < 17_000
