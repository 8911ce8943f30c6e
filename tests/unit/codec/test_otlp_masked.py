"""Masking of whole requests: every text that a sender writes, and nothing else."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from sidecar.codec.otlp.masked import MOST_LEVELS, TEXT_BYTES, masked
from sidecar.codec.otlp.signal import SIGNALS, Signal
from sidecar.codec.otlp.wire import delimited, tag
from sidecar.model.errors import MalformedInputError
from tests.unit.codec.otlp_messages import REQUESTS, request

NAMED = {
    ("Span", "name"): "span.name",
    ("Span", "trace_state"): "trace_state",
    ("Link", "trace_state"): "trace_state",
    ("Event", "name"): "event.name",
    ("Status", "message"): "status.message",
    ("LogRecord", "event_name"): "event.name",
    ("LogRecord", "severity_text"): "log.severity",
    ("InstrumentationScope", "name"): "scope.name",
    ("InstrumentationScope", "version"): "scope.version",
    ("Metric", "name"): "metric.name",
    ("Metric", "description"): "metric.description",
    ("Metric", "unit"): "metric.unit",
}
"""What has a key of its own, by message and field."""


def swapped(_: str, text: str) -> str:
    """Masks a text without changing its length."""
    return text.swapcase()


def told(key: str, text: str) -> str:
    """Masks a text by what was asked."""
    return f"[{key}|{text}]"


def mask_officially(message: Message, key: str = "") -> None:
    """Mask `message` as `told` says, by walking over the official schema."""
    if isinstance(message, KeyValue):
        mask_officially(message.value, f"{key}.{message.key}" if key else message.key)
        message.key = told("attribute.key", message.key) if message.key else ""
        return
    for field, value in message.ListFields():
        name = NAMED.get((message.DESCRIPTOR.name, field.name))
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                mask_officially(inner, key)
        elif isinstance(message, AnyValue) and field.name == "string_value":
            message.string_value = told(key, value)
        elif isinstance(message, AnyValue) and field.name == "bytes_value":
            message.bytes_value = told(key, value.decode(errors="replace")).encode()
        elif name is not None:
            setattr(message, field.name, told(name, value))


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
@pytest.mark.parametrize("seed", range(30))
def test_every_text_of_the_official_schema_is_masked_under_its_key(signal: Signal, seed: int) -> None:
    message = request(signal, Random(seed))
    found = REQUESTS[signal].FromString(masked(signal.name, message.SerializeToString(), told))  # type: ignore[arg-type] # one of the three
    mask_officially(message)
    assert found == message


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_request_without_secrets_is_the_one_that_came(signal: Signal) -> None:
    for seed in range(30):
        body = request(signal, Random(seed)).SerializeToString()
        assert masked(signal.name, body, lambda _, text: text) is body  # type: ignore[arg-type] # one of the three


def unknown(number: int) -> bytes:
    """Return a field of a schema to come."""
    return delimited(tag(number, 2), b"Secret")


def spans_of(span: bytes, around: bytes = b"") -> bytes:
    """Return a request with `span`, and `around` in every message outside of it."""
    scope = delimited(tag(2, 2), span) + around
    return delimited(tag(1, 2), around + delimited(tag(2, 2), scope)) + around


def test_fields_that_nobody_knows_stay_in_their_places_at_every_level() -> None:
    value = unknown(99) + delimited(tag(1, 2), b"text") + unknown(98)
    attribute = delimited(tag(2, 2), value) + unknown(97) + delimited(tag(1, 2), b"key")
    event = unknown(96) + delimited(tag(3, 2), attribute)
    span = unknown(95) + delimited(tag(9, 2), attribute) + delimited(tag(11, 2), event) + unknown(94) + b"\xa0\x06\x07"
    body = spans_of(span, unknown(93))
    assert body.count(b"text") == 2
    assert masked("traces", body, swapped) == body.replace(b"text", b"TEXT").replace(b"key", b"KEY")
    assert b"Secret" in masked("traces", body, told)


def test_the_key_counts_that_comes_last_and_after_the_value_too() -> None:
    value = delimited(tag(2, 2), delimited(tag(1, 2), b"x"))
    attribute = delimited(tag(1, 2), b"first") + value + delimited(tag(1, 2), b"last")
    assert b"[last|x]" in masked("traces", spans_of(delimited(tag(9, 2), attribute)), told)


def test_what_is_not_utf8_stays_unless_it_is_masked() -> None:
    attribute = delimited(tag(1, 2), b"k") + delimited(tag(2, 2), delimited(tag(1, 2), b"a\xffb"))
    body = spans_of(delimited(tag(9, 2), attribute))
    assert masked("traces", body, lambda _, text: text) is body
    assert "[k|a\ufffdb]".encode() in masked("traces", body, told)


def test_texts_in_maps_and_lists_have_the_key_of_the_map_and_their_own() -> None:
    inner = AnyValue()
    inner.kvlist_value.values.add(key="password").value.string_value = "x"
    inner.kvlist_value.values.add(key="list").value.array_value.values.add().string_value = "y"
    record = LogRecord(body=inner, attributes=[KeyValue(key="a", value=inner)])
    body = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])])
    seen: list[tuple[str, str]] = []
    masked("logs", body.SerializeToString(), lambda *asked: seen.append(asked))
    values = [asked for asked in seen if asked[0] != "attribute.key"]
    assert sorted(values) == [("a.list", "y"), ("a.password", "x"), ("list", "y"), ("password", "x")]


def test_an_attribute_that_comes_again_is_masked_again_under_every_map() -> None:
    attribute = KeyValue(key="k", value=AnyValue(string_value="x"))
    outer = KeyValue(key="map")
    outer.value.kvlist_value.values.append(attribute)
    span = Span(attributes=[attribute, outer, attribute])
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    found = masked("traces", body.SerializeToString(), told)
    assert (found.count(b"[k|x]"), found.count(b"[map.k|x]")) == (2, 1)


def test_a_very_long_text_is_cut_before_it_is_looked_at() -> None:
    span = Span(name="x" * (TEXT_BYTES + 1))
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    found = ExportTraceServiceRequest.FromString(masked("traces", body.SerializeToString(), lambda _, text: text))
    assert found.resource_spans[0].scope_spans[0].spans[0].name == "x" * TEXT_BYTES


def nested(levels: int) -> bytes:
    """Return the value of an attribute that is lists inside each other."""
    value = delimited(tag(1, 2), b"x")
    for _ in range(levels):
        value = delimited(tag(5, 2), delimited(tag(1, 2), value))
    return delimited(tag(9, 2), delimited(tag(1, 2), b"k") + delimited(tag(2, 2), value))


def test_lists_in_lists_are_looked_through_as_far_as_a_parser_would() -> None:
    assert b"[k|x]" in masked("traces", spans_of(nested(40)), told)
    with pytest.raises(MalformedInputError, match="inside each other"):
        masked("traces", spans_of(nested(MOST_LEVELS)), told)


def _cut(body: bytes) -> Iterator[bytes]:
    yield from (body[:end] for end in range(1, len(body)))


def test_a_request_that_is_cut_off_is_refused_or_ends_before_a_field() -> None:
    span = Span(name="n", attributes=[KeyValue(key="k", value=AnyValue(string_value="x"))])
    whole = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    for body in _cut(whole.SerializeToString()):
        with pytest.raises(MalformedInputError):
            masked("traces", body, told)


@given(st.binary(max_size=200))
def test_any_bytes_are_masked_or_refused(data: bytes) -> None:
    for signal in SIGNALS:
        try:
            found: Any = masked(signal.name, spans_of(data), told)  # type: ignore[arg-type] # one of the three
        except MalformedInputError:
            continue
        assert isinstance(found, bytes)
