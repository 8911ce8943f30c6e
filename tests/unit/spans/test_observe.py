"""The observer's columns tell of spans what looking at each one by one does."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.codec.otlp import parsed, schema
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.span import SpanBatch, SpanMessage
from sidecar.spans import observe
from sidecar.spans.observe import NEW_SHAPES, Observer
from tests.unit.codec.test_span_columns import SPANS, batch_of
from tests.unit.spans.naive import naive, told

COUNTED = frozenset({2, 3, 4, 5})
NOW = 1_700_000_100.0
START = 1_700_000_000 * 10**9


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


ATTRIBUTES = st.lists(
    st.one_of(
        st.builds(text, st.sampled_from(["http.request.method", "http.method"]), st.sampled_from(["GET", "POST"])),
        st.builds(text, st.sampled_from(["http.route", "http.url"]), st.sampled_from(["/a", "http://b/c", ""])),
        st.builds(text, st.sampled_from(["http.response.status_code", "tier"]), st.sampled_from(["200", "404", "500"])),
        st.builds(text, st.just("db.system.name"), st.sampled_from(["postgresql", "redis"])),
        st.builds(text, st.sampled_from(["db.query.text", "db.statement"]), st.sampled_from(["SELECT 1", "GET a", ""])),
        st.builds(text, st.just("peer.service"), st.sampled_from(["a", "b"])),
        st.builds(text, st.sampled_from(["other", ""]), st.sampled_from(["", "x" * 3000])),
        st.just(KeyValue(key="http.route")),
    ),
    max_size=6,
)
IDS = st.sampled_from([b"", b"i" * 16, b"i" * 8, bytes(16), b"j" * 8])
MESSAGES = st.builds(
    Span,
    trace_id=IDS,
    span_id=IDS,
    parent_span_id=IDS,
    trace_state=st.sampled_from(["", "", "ot=th:8", "x=y"]),
    name=st.sampled_from(["GET /a", "SELECT", "op", "n" * 200, ""]),
    kind=st.integers(0, 7),
    start_time_unix_nano=st.sampled_from([0, START, START - 10**17, 2**64 - 1]),
    end_time_unix_nano=st.sampled_from([0, START + 10**8, START + 10**13, START - 5]),
    attributes=ATTRIBUTES,
    status=st.builds(Status, code=st.integers(0, 3), message=st.sampled_from(["", "bad"])),
    flags=st.sampled_from([0, 0x101, 0x301]),
)
RESOURCES = st.builds(Resource, attributes=st.lists(st.builds(text, st.just("service.name"), st.sampled_from("ab"))))
REQUESTS = st.lists(st.tuples(RESOURCES, st.lists(MESSAGES, max_size=8)), max_size=3)


def batches_of(request: Sequence[tuple[Resource, Sequence[Span]]]) -> list[SpanBatch]:
    groups = [ResourceSpans(resource=of, scope_spans=[ScopeSpans(spans=spans)]) for of, spans in request]
    return [*SpanBatches(ExportTraceServiceRequest(resource_spans=groups).SerializeToString(), NOW)]


@settings(max_examples=60)
@given(
    st.lists(REQUESTS, max_size=3),
    st.sampled_from([COUNTED, frozenset({2}), frozenset({1, 3}), frozenset({0, 1, 2, 3, 4, 5})]),
    st.sampled_from([frozenset[str](), frozenset({"tier", "db.query.text"})]),
)
def test_columns_tell_what_looking_at_each_span_does(
    requests: list[list[tuple[Resource, list[Span]]]], kinds: frozenset[int], more: frozenset[str]
) -> None:
    batches = [batch for request in requests for batch in batches_of(request)]
    subject = Observer(kinds, more)
    for _ in range(3):  # what was seen twice is remembered
        assert told([part for batch in batches for part in subject.observe(batch)]) == naive(batches, kinds, more)


@settings(max_examples=60)
@given(st.lists(SPANS, max_size=6))
def test_columns_tell_it_of_spans_in_any_order_of_fields_too(spans: list[bytes]) -> None:
    batch, subject = batch_of(spans), Observer(COUNTED)
    for _ in range(3):
        assert told([*subject.observe(batch)]) == naive([batch], COUNTED)


def new_shapes(count: int) -> SpanBatch:
    spans = [Span(name=f"op {number}", kind=1 + number % 3) for number in range(count)]  # type: ignore[arg-type]
    (batch,) = batches_of([(Resource(), spans)])
    return batch


def test_new_shapes_are_made_in_steps_and_known_ones_come_at_once() -> None:
    subject, batch = Observer(COUNTED), new_shapes(480)
    parts = [*subject.observe(batch)]
    made = [len({*part.indexes.tolist()}) for part in parts]
    assert made == [NEW_SHAPES] * 4
    assert told(parts) == naive([batch], COUNTED)
    again = [*subject.observe(batch)]
    assert len(again) == 1
    assert told(again) == told(parts)


def test_no_span_is_parsed_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    class Recorded:
        @staticmethod
        def FromString(data: bytes) -> SpanMessage:  # noqa: N802 - protobuf's name
            asked.append(data)
            return schema.Span.FromString(data)

    monkeypatch.setattr(parsed, "Span", Recorded)
    spans = [Span(name="op", kind=Span.SPAN_KIND_SERVER), Span(name="bad", kind=Span.SPAN_KIND_CLIENT)]
    spans[1].status.code = Status.STATUS_CODE_ERROR
    (batch,) = batches_of([(Resource(), spans * 100)])
    (part,) = Observer(COUNTED).observe(batch)
    assert asked == []
    assert part.sent(part.failed_places[0]).span.name == b"bad"
    assert len(asked) == 1


def test_too_many_shapes_are_forgotten_and_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "_SHAPES", 100)
    subject, batch = Observer(COUNTED), new_shapes(480)
    for _ in range(3):
        parts = [*subject.observe(batch)]
        assert told(parts) == naive([batch], COUNTED)
        assert len(parts[-1].shapes) == 320
