"""OTLP bodies: the slim schema against the official messages, cuts, and hostile bytes."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc.status_pb2 import Status as RpcStatus  # type: ignore[import-untyped] # ships no stubs
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.codec.otlp import parsed, runs, schema, traces
from sidecar.codec.otlp.answers import RpcCode, exported, rpc_status
from sidecar.codec.otlp.attributes import Wanted, attributes_of, events_of, resource_attributes, status_code_of
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.codec.otlp.walk import fields, prefix
from sidecar.codec.otlp.wire import delimited
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError
from sidecar.model.span import SpanMessage

U64 = st.integers(0, 2**64 - 1)
TEXT = st.text(max_size=20)

VALUES = st.recursive(
    st.one_of(
        st.builds(AnyValue, string_value=TEXT),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats(allow_nan=False)),
        st.builds(AnyValue, bytes_value=st.binary(max_size=10)),
        st.just(AnyValue()),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
    max_leaves=4,
)
ATTRIBUTES = st.dictionaries(TEXT, VALUES, max_size=4).map(
    lambda pairs: [KeyValue(key=key, value=value) for key, value in pairs.items()]
)
SPANS = st.builds(
    Span,
    trace_id=st.binary(max_size=16),
    span_id=st.binary(max_size=8),
    parent_span_id=st.binary(max_size=8),
    trace_state=TEXT,
    name=TEXT,
    kind=st.integers(0, 5),
    start_time_unix_nano=U64,
    end_time_unix_nano=U64,
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Span.Event, name=TEXT, time_unix_nano=U64, attributes=ATTRIBUTES), max_size=2),
    status=st.builds(lambda code, message: {"code": code, "message": message}, st.integers(0, 2), TEXT),
    flags=st.integers(0, 2**32 - 1),
)
REQUESTS = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            lambda attributes, scopes: {
                "resource": {"attributes": attributes},
                "scope_spans": [{"scope": {"name": name}, "spans": spans} for name, spans in scopes],
            },
            ATTRIBUTES,
            st.lists(st.tuples(TEXT, st.lists(SPANS, max_size=3)), max_size=3),
        ),
        max_size=3,
    ),
)


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    return None if kind == "array_value" else inner


def plain_attributes(attributes: Any) -> dict[str, Any]:
    return {item.key: plain(item.value) for item in attributes}


def facts(span: Any) -> tuple[Any, ...]:
    return (
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
    )


def official(request: ExportTraceServiceRequest) -> list[Any]:
    return [
        (
            plain_attributes(of_resource.resource.attributes),
            *facts(span),
            span.name,
            plain_attributes(span.attributes),
            [(event.name, plain_attributes(event.attributes)) for event in span.events],
            span.status.code,
        )
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def ours(body: bytes) -> list[Any]:
    return [
        (
            attributes_of(resource_attributes(group.resource)),
            *facts(span),
            span.name.decode(),
            attributes_of(span.attributes),
            [(name, attributes_of(raw)) for name, raw in events_of(span)],
            status_code_of(span.status),
        )
        for batch in SpanBatches(body, 0.0)
        for group in batch.groups
        for span in map(parsed.parsed, group.spans)
    ]


def spans_of(body: bytes) -> Iterator[SpanMessage]:
    for batch in SpanBatches(body, 0.0):
        for group in batch.groups:
            yield from map(parsed.parsed, group.spans)


def body_of(*spans: Span) -> bytes:
    resource_spans = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString()


@given(REQUESTS)
def test_the_slim_schema_reads_what_the_official_messages_hold(request_: ExportTraceServiceRequest) -> None:
    assert ours(request_.SerializeToString()) == official(request_)


@given(REQUESTS)
def test_cuts_at_every_size_lose_and_repeat_nothing(request_: ExportTraceServiceRequest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "BATCH_SPANS", 2)
        patch.setattr(traces, "BATCH_BYTES", 500)
        patch.setattr(runs, "RUN_BYTES", 8)
        assert ours(request_.SerializeToString()) == official(request_)


@given(st.binary(max_size=200))
def test_any_bytes_are_spans_or_a_senders_mistake(body: bytes) -> None:
    try:
        list(spans_of(body))
    except SenderError:
        pass


def test_a_body_cut_off_within_a_field_is_refused() -> None:
    body = body_of(Span(name="a", trace_id=b"t" * 16), Span(name="b"))
    for length in range(1, len(body)):
        with pytest.raises(MalformedInputError):
            list(spans_of(body[:length]))


def test_text_that_is_not_utf_8_does_not_lose_the_batch() -> None:
    body = body_of(Span(name="good"), Span(name="BAD!")).replace(b"BAD!", b"\xff\xfe\xfd\xfc")
    with pytest.raises(Exception, match="parsing"):
        ExportTraceServiceRequest.FromString(body)
    assert [span.name for span in spans_of(body)] == [b"good", b"\xff\xfe\xfd\xfc"]


def test_unknown_fields_of_a_span_are_kept() -> None:
    span = Span(name="a", trace_state="ot=th:8", flags=0x101)
    (received,) = spans_of(body_of(span))
    assert Span.FromString(received.SerializeToString()) == span  # type: ignore[attr-defined]


def test_no_batch_is_larger_than_its_limit() -> None:
    scopes = [ScopeSpans(spans=[Span(name="x")] * 700)] * 3
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=scopes)]).SerializeToString()
    assert [len(batch) for batch in SpanBatches(body, 0.0)] == [500, 500, 500, 500, 100]


def test_millions_of_empty_messages_are_walked_in_small_steps() -> None:
    steps = SpanBatches(b"\x0a\x00" * 100_000, 0.0)
    assert sum(1 for _ in steps) >= 50


def test_more_messages_than_real_ones_could_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MESSAGES", 1000)
    for body in (b"\x0a\x00" * 1001, body_of(*[Span()] * 1001), b"\x0a\xd2\x0f" + b"\x12\x00" * 1001):
        with pytest.raises(TooLargeError, match="1000"):
            list(spans_of(body))


def test_a_scope_longer_than_a_run_gives_all_its_spans() -> None:
    spans = [Span(name=f"n{number}", trace_state="x" * 1000) for number in range(1000)]
    assert [span.name for span in spans_of(body_of(*spans))] == [span.name.encode() for span in spans]


def read(body: bytes) -> tuple[SpanBatches, list[SpanMessage]]:
    batches = SpanBatches(body, 0.0)
    return batches, [span for batch in batches for group in batch.groups for span in map(parsed.parsed, group.spans)]


def test_a_single_span_over_four_mebibytes_is_left_out_and_the_others_stay() -> None:
    batches, spans = read(body_of(Span(name="a"), Span(name="x" * (4 << 20)), Span(name="b"), Span(name="c")))
    assert [span.name for span in spans] == [b"a", b"b", b"c"]
    assert batches.rejected == 1


def test_a_resource_over_four_mebibytes_is_refused() -> None:
    resource = Resource(attributes=[KeyValue(key="x" * (4 << 20))])
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource)]).SerializeToString()
    with pytest.raises(TooLargeError, match="4194304"):
        list(SpanBatches(body, 0.0))


@pytest.mark.parametrize("scope", [b"x" * (1 << 20), b"\x0a\x05cut"])
def test_a_scope_of_spans_is_not_looked_into_and_may_be_as_long_as_a_span(scope: bytes) -> None:
    spans = ScopeSpans(spans=[Span(name="a"), Span(name="b")]).SerializeToString()
    of_scope = delimited(b"\x0a", scope) + spans
    batches = [*SpanBatches(delimited(b"\x0a", delimited(b"\x12", of_scope)), 0.0)]
    groups = [group for batch in batches for group in batch.groups if group.spans]
    found = [(group.scope, schema.Span.FromString(raw).name) for group in groups for raw in group.spans]
    assert found == [(scope, b"a"), (scope, b"b")]


def test_a_scope_over_four_mebibytes_is_refused() -> None:
    scope = delimited(b"\x0a", b"x" * (4 << 20))
    with pytest.raises(TooLargeError, match="4194304"):
        list(SpanBatches(delimited(b"\x0a", delimited(b"\x12", scope)), 0.0))


@pytest.mark.parametrize("filler", [0, 300_000])
def test_of_a_span_with_many_attributes_and_events_the_first_stay_and_the_others_are_counted(filler: int) -> None:
    span = Span(
        name="a" * (filler or 1),
        attributes=[KeyValue(key=f"k{number}", value=AnyValue(int_value=number)) for number in range(300)],
        events=[Span.Event(name=f"e{number}") for number in range(100)],
        status=Status(code=Status.STATUS_CODE_ERROR),
        trace_state="kept",
    )
    batches, (found,) = read(body_of(span))
    assert attributes_of(found.attributes) == {f"k{number}": number for number in range(256)}
    assert [name for name, _ in events_of(found)] == [f"e{number}" for number in range(32)]
    assert (found.name, status_code_of(found.status)) == (span.name.encode(), 2)
    assert Span.FromString(found.SerializeToString()).trace_state == "kept"  # type: ignore[attr-defined]
    assert batches.skipped == {"attributes": 44, "events": 68}
    assert batches.rejected == 0


def test_a_span_of_a_hundred_thousand_exceptions_is_never_parsed_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    class Recorded:
        @staticmethod
        def FromString(data: bytes) -> Any:  # noqa: N802 - protobuf's name
            lengths.append(len(data))
            return schema.Span.FromString(data)

    monkeypatch.setattr(parsed, "Span", Recorded)
    event = Span.Event(name="exception", attributes=[KeyValue(key="exception.type")])
    body = body_of(Span(name="a", events=[event] * 100_000))
    steps = SpanBatches(body, 0.0)
    assert sum(1 for _ in steps) >= 40
    assert steps.skipped["events"] == 100_000 - 32
    assert sum(lengths) < 2000


def test_a_span_of_more_fields_than_can_be_walked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PARTS", 1000)
    batches, spans = read(body_of(Span(name="x" * 300_000, attributes=[KeyValue()] * 1001), Span(name="b")))
    assert [span.name for span in spans] == [b"b"]
    assert (batches.rejected, batches.skipped["attributes"]) == (1, 0)


def test_a_long_resource_is_cut_to_its_first_attributes() -> None:
    resource = Resource(attributes=[KeyValue(key=f"key{number}" * 10) for number in range(1000)])
    of_resource = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=[Span()])])
    batches = SpanBatches(ExportTraceServiceRequest(resource_spans=[of_resource]).SerializeToString(), 0.0)
    (batch,) = batches
    assert [*attributes_of(resource_attributes(batch.groups[0].resource))] == [
        item.key for item in resource.attributes[:256]
    ]
    assert batches.skipped["attributes"] == 744


def test_bytes_of_spans_and_resources_bound_a_batch_too() -> None:
    text = AnyValue(string_value="x" * 10_000)
    wide = [Span(name=f"n{number}", attributes=[KeyValue(key="k", value=text)]) for number in range(200)]
    assert max(len(batch) for batch in SpanBatches(body_of(*wide), 0.0)) <= 52
    resource = Resource(attributes=[KeyValue(key="k", value=text)])
    each = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=[Span()])])
    body = ExportTraceServiceRequest(resource_spans=[each] * 100).SerializeToString()
    assert max(len(batch) for batch in SpanBatches(body, 0.0)) <= 27


def test_of_a_long_event_only_the_first_fields_are_looked_at() -> None:
    event = Span.Event(name="e", attributes=[KeyValue(key=f"key{number}" * 10) for number in range(1000)])
    (span,) = spans_of(body_of(Span(events=[event])))
    ((name, attributes),) = events_of(span)
    assert (name, len(attributes)) == ("e", 255)


def test_the_prefix_of_a_message_ends_before_its_first_bad_field() -> None:
    assert prefix(b"\x0a\x00\x0a\x01a\x0a\x7f", 1) == b"\x0a\x00"
    assert prefix(b"\x0a\x00\x0a\x01a\x0a\x7f", 9) == b"\x0a\x00\x0a\x01a"


def test_an_answer_says_how_many_spans_were_left_out() -> None:
    answer = ExportTraceServiceResponse.FromString(exported(3, "too large"))
    assert (answer.partial_success.rejected_spans, answer.partial_success.error_message) == (3, "too large")
    assert exported(0, "too large") == b""


def test_a_resource_after_its_spans_belongs_to_them() -> None:
    scope_spans = ScopeSpans(spans=[Span(name="a")]).SerializeToString()
    resource = Resource(attributes=[KeyValue(key="service.name")]).SerializeToString()
    inner = b"\x12" + bytes([len(scope_spans)]) + scope_spans + b"\x0a" + bytes([len(resource)]) + resource
    (batch,) = SpanBatches(b"\x0a" + bytes([len(inner)]) + inner, 0.0)
    assert batch.groups[0].resource == resource


@pytest.mark.parametrize("body", [b"\x0b", b"\x02\x00", b"\x0a\x05ab", b"\x08" + b"\xff" * 10, b"\x0d\x01"])
def test_wire_format_that_is_not_protobuf_3_is_a_mistake_with_its_position(body: bytes) -> None:
    with pytest.raises(MalformedInputError, match="byte"):
        list(fields(body, 0, len(body)))


def attribute(key: str, value: str) -> bytes:
    return KeyValue(key=key, value=AnyValue(string_value=value)).SerializeToString()


def test_wanted_attributes_are_found_whether_or_not_they_were_seen_before() -> None:
    wanted = Wanted(["http.route"])
    route, other = attribute("http.route", "/a"), attribute("http.routes", "/a")
    for _ in range(3):
        assert [*filter(None, map(wanted.__getitem__, [other, route]))] == [route]


def test_a_key_with_unique_values_is_found_and_takes_no_memory() -> None:
    wanted = Wanted(["http.route"])
    for number in range(1000):
        route = attribute("http.route", f"/{number}")
        assert wanted[route] == route
        assert wanted[attribute("url.path", f"/{number}")] is None
    assert len(wanted) <= 128


def test_unique_keys_take_bounded_memory() -> None:
    wanted = Wanted([])
    for number in range(40_000):
        assert wanted[attribute(f"key{number}", "x")] is None
    assert len(wanted) <= 16_384


def test_a_refusal_is_a_google_rpc_status() -> None:

    status = RpcStatus.FromString(rpc_status(RpcCode.INVALID_ARGUMENT, "grün"))
    assert (status.code, status.message) == (3, "grün")
