"""Spans from JSON: the fast way gives what the general one does, and lets others run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sidecar.codec.otlp.json.convert import Converter
from sidecar.codec.otlp.json.message import STEP_BYTES
from sidecar.codec.otlp.json.seen import SeenAttributes, Work
from sidecar.codec.otlp.json.traces import JsonSpanBatches, JsonTraces
from sidecar.codec.otlp.parsed import parsed
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES, MOST_EVENTS
from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError
from sidecar.model.span import SpanMessage
from sidecar.model.steps import Steps, finished
from tests.unit.codec.otlp_messages import json_of, request

NAMES = ("trace_id", "span_id", "parent_span_id", "name", "kind", "start_time_unix_nano", "end_time_unix_nano")
READER = JsonTraces()


def read(data: Any) -> JsonSpanBatches | SpanBatches:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return finished(READER.read(body, 5.0))


def spans_of(batches: JsonSpanBatches | SpanBatches) -> Iterator[tuple[Any, ...]]:
    """Yield the spans with all that stages may look at, nested messages parsed."""
    for batch in batches:
        assert batch.received_at == 5.0
        for group in batch.groups:
            resource = Resource.FromString(group.resource)
            for span in map(parsed, group.spans):
                yield resource, *(getattr(span, name) for name in NAMES), *nested_of(span)


def nested_of(span: SpanMessage) -> tuple[Any, ...]:
    return (
        [KeyValue.FromString(attribute) for attribute in span.attributes],
        [Span.Event.FromString(event) for event in span.events],
        [Span.Link.FromString(link) for link in span.links],
        Status.FromString(span.status),
    )


def all_spans(message: ExportTraceServiceRequest) -> Iterator[Span]:
    for of_resource in message.resource_spans:
        for of_scope in of_resource.scope_spans:
            yield from of_scope.spans


def scoped(*spans: Mapping[str, Any]) -> Any:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_the_fast_way_gives_what_protobuf_does(seed: int) -> None:
    message: ExportTraceServiceRequest = request(TRACES, Random(seed))
    for span in all_spans(message):
        span.start_time_unix_nano >>= 1  # those after 2262 go the general way
        span.end_time_unix_nano >>= 1
    batches = read(json_of(message))
    assert isinstance(batches, JsonSpanBatches)
    assert list(spans_of(batches)) == list(spans_of(SpanBatches(message.SerializeToString(), 5.0)))


@pytest.mark.parametrize(
    "span",
    [
        {"trace_id": "01"},
        {"name": None},
        {"kind": "SPAN_KIND_SERVER"},
        {"new": 1},
        {"name": "\ud800"},
        {"attributes": [{"key": "a", "value": {"stringValue": "x" * STEP_BYTES}}]},
        {"events": [{"name": "x" * STEP_BYTES}]},
        {"attributes": [{"key": "x" * (STEP_BYTES // 3)}] * 3},
        {"events": [{}] * (MOST_EVENTS + 1)},
        {"links": [{"traceState": "x" * (STEP_BYTES // 3)}] * 3},
        {"startTimeUnixNano": str(2**63)},
    ],
)
def test_what_is_unusual_goes_the_general_way(span: Any) -> None:
    batches = read(scoped({"name": "a"}, span))
    assert isinstance(batches, SpanBatches)
    assert len(list(spans_of(batches))) == 2


@pytest.mark.parametrize(
    "attribute",
    [
        {"key": "a", "value": {"stringValue": "b"}},
        {"key": "a", "value": {"stringValue": ""}},
        {"value": {"stringValue": "b"}, "key": "a"},
        {"key": "", "value": {"intValue": "5"}},
        {"key": "a", "value": {}},
        {"key": "a"},
        {},
        {"key": "a", "value": {"stringValue": "b", "new": 1}},
        {"key": "a", "value": {"string_value": "b"}, "new": []},
        {"key": "a", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
    ],
)
def test_every_attribute_becomes_what_it_is_twice(attribute: Any) -> None:
    found = [
        nested_of(span)[0] for batch in read(scoped(*[{"attributes": [attribute]}] * 2)) for span in spans_in(batch)
    ]
    value = attribute.get("value", {})
    expected = KeyValue(key=attribute.get("key", ""))
    if "value" in attribute:
        expected.value.CopyFrom(value_of(value))
    assert found == [[expected]] * 2


def spans_in(batch: Any) -> Sequence[SpanMessage]:
    return [span for group in batch.groups for span in map(parsed, group.spans)]


def value_of(value: Mapping[str, Any]) -> AnyValue:
    if "arrayValue" in value:
        return AnyValue(array_value=ArrayValue(values=[AnyValue(bool_value=True)]))
    if "intValue" in value:
        return AnyValue(int_value=int(value["intValue"]))
    texts = [text for name, text in value.items() if name in ("stringValue", "string_value")]
    return AnyValue(string_value=texts[0]) if texts else AnyValue()


@pytest.mark.parametrize(
    "span",
    [
        {"traceId": "nonsense"},
        {"spanId": " 0000000000000 "},
        {"kind": 2**31},
        {"startTimeUnixNano": -1},
        {"endTimeUnixNano": 2**64},
        {"flags": 2**32},
        {"name": 5},
        {"attributes": [5]},
        {"attributes": [{"key": 5}]},
        {"events": [{"timeUnixNano": "now"}]},
        {"status": {"code": "STATUS_CODE_FINE"}},
        {"status": 5},
    ],
)
def test_a_mistake_anywhere_refuses_the_request(span: Any) -> None:
    with pytest.raises(MalformedInputError):
        read(scoped(*[{"name": "fine"}] * 1000, span))


def test_attributes_that_are_all_different_are_forgotten_in_time() -> None:
    work = Work()
    seen = SeenAttributes(Converter(TRACES).types["opentelemetry.proto.common.v1.KeyValue"], 4, work)
    for number in range(40_000):
        for _ in range(3):
            assert KeyValue.FromString(seen[b'{"key":"%d"}' % number]).key == str(number)
        work.bytes = 0
    assert 0 < len(seen) <= 8192
    for _ in range(3):
        seen[b'{"key":"%s"}' % (b"long" * 100)]
    assert max(map(len, seen)) < 300


def test_of_very_many_attributes_and_events_the_first_are_looked_at() -> None:
    attributes = [{"key": f"attribute.{number}"} for number in range(MOST_ATTRIBUTES + 7)]
    batches = read(scoped({"attributes": attributes, "events": [{"name": "e"}] * (MOST_EVENTS + 3)}))
    ((*_, found, events, _, _),) = spans_of(batches)
    assert (len(found), len(events)) == (MOST_ATTRIBUTES, MOST_EVENTS)
    assert batches.skipped == {"attributes": 7, "events": 3}


def test_batches_are_small_whatever_the_spans_are() -> None:
    usual = [{"attributes": [{"key": str(number)} for number in range(8)]}] * 2000
    bare: list[dict[str, Any]] = [{}] * 10_000
    full = [{"attributes": [{"key": str(number), "value": {"intValue": 1}} for number in range(256)]}] * 200
    for spans in (usual, bare, full):
        sizes = [len(batch) for batch in read(scoped(*spans))]
        assert sum(sizes) == len(spans)
        assert max(sizes) <= 1600
        assert max(sizes) * len(spans[0].get("attributes", ())) <= 20_000


def test_resources_and_scopes_without_spans_are_worked_on_in_steps() -> None:
    data: Any = {"resourceSpans": [{"scopeSpans": [{}] * 50}] * 300}
    assert count_steps(READER.read(json.dumps(data).encode(), 5.0)) >= 10


def count_steps(steps: Steps[object]) -> int:
    return sum(1 for _ in steps)


@pytest.mark.parametrize("item", [b"0,", b"{},"])
def test_absurdly_many_values_are_refused(item: bytes) -> None:
    with pytest.raises(TooLargeError):
        read(b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + item * (1 << 20) + b"{}]}]}]}")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), st.binary(max_size=6), st.integers(0, 5000), st.integers(0, 9))
def test_hostile_text_is_refused_or_has_a_number_of_spans(seed: int, inserted: bytes, place: int, removed: int) -> None:
    body = json.dumps(json_of(request(TRACES, Random(seed)))).encode()
    place %= len(body)
    try:
        batches = read(body[:place] + inserted + body[place + removed :])
    except SenderError:
        return
    assert sum(len(batch) for batch in batches) >= 0
