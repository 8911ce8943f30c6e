"""OTLP/JSON to protobuf: as the official messages have it, what senders get wrong, and hostile text."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sidecar.codec.otlp.answers import RpcCode
from sidecar.codec.otlp.json import answers
from sidecar.codec.otlp.json.convert import OBJECTS, VALUES, Converter, check_density
from sidecar.codec.otlp.json.message import MOST_LEVELS, STEP_BYTES
from sidecar.codec.otlp.json.repair import MOST_GROWTH_BYTES, repaired
from sidecar.codec.otlp.signal import LOGS, METRICS, SIGNALS, TRACES, Signal
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError
from sidecar.model.steps import finished
from tests.unit.codec.otlp_messages import REQUESTS, json_of, official_of, request

CONVERTERS = {signal: Converter(signal) for signal in SIGNALS}


def convert(signal: Signal, body: Any) -> Any:
    """Return the request that `body`, text or what is to be text, becomes."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return REQUESTS[signal].FromString(finished(CONVERTERS[signal].protobuf_of(text)))


def span_of(fields: Any) -> Any:
    """Return the span that `fields`, the text or the content of an object, becomes."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + text + b"]}]}]}"
    return convert(TRACES, body).resource_spans[0].scope_spans[0].spans[0]


def value_of(value: Any) -> Any:
    return span_of({"attributes": [{"key": "k", "value": value}]}).attributes[0].value


@pytest.mark.parametrize(
    ("name", "signal"), [("trace", TRACES), ("metrics", METRICS), ("logs", LOGS), ("events", LOGS)]
)
def test_the_official_examples_become_the_official_messages(shared_data: Path, name: str, signal: Signal) -> None:
    body = (shared_data / f"otlp/otlp-{name}.json").read_bytes()
    assert convert(signal, body) == official_of(signal, json.loads(body))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIGNALS), st.integers(0, 2**32), st.booleans(), st.booleans(), st.booleans())
def test_every_field_of_every_message_arrives(
    signal: Signal, seed: int, names: bool, snake_case: bool, indented: bool
) -> None:
    message = request(signal, Random(seed))
    data = json_of(message, names=names, snake_case=snake_case)
    assert convert(signal, json.dumps(data, indent=1 if indented else None).encode()) == message


@pytest.mark.parametrize("signal", SIGNALS)
def test_long_requests_arrive_as_well_and_in_many_steps(signal: Signal) -> None:
    message = REQUESTS[signal]()
    for seed in range(300):
        message.MergeFrom(request(signal, Random(seed)))
    body = json.dumps(json_of(message)).encode()
    assert len(body) > 4 * STEP_BYTES
    assert convert(signal, body) == message
    assert sum(1 for _ in CONVERTERS[signal].protobuf_of(body)) > 60


def test_one_metric_with_very_many_points_is_converted_in_steps() -> None:
    points = [{"asInt": str(number), "timeUnixNano": "1"} for number in range(20_000)]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"dataPoints": points}}]}]}]})
    message = convert(METRICS, body.encode())
    found = message.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points
    assert [point.as_int for point in found] == list(range(20_000))
    assert sum(1 for _ in CONVERTERS[METRICS].protobuf_of(body.encode())) > len(body) // STEP_BYTES // 2


def test_a_span_longer_than_a_step_arrives_whole() -> None:
    text = "x" * (2 * STEP_BYTES)
    attributes = [{"key": "stack", "value": {"stringValue": text}}, {"key": "n", "value": {"intValue": 1}}]
    span = span_of({"name": "long", "attributes": attributes, "status": {"message": text, "code": 2}})
    assert [attribute.key for attribute in span.attributes] == ["stack", "n"]
    assert (span.attributes[0].value.string_value, span.status.message, span.status.code) == (text, text, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5B8EFFF798038103D269B633813FC60C", bytes.fromhex("5B8EFFF798038103D269B633813FC60C")),
        ("5b8efff798038103D269b633813fc60c", bytes.fromhex("5B8EFFF798038103D269B633813FC60C")),
        ("", b""),
        ("ab", b"\xab"),
        ("00" * 24, bytes(24)),
    ],
)
def test_an_id_is_hexadecimal_in_any_case_and_of_any_length(text: str, expected: bytes) -> None:
    assert span_of({"traceId": text}).trace_id == expected


@pytest.mark.parametrize("text", ["abc", "W47/95gDgQPSabYzgT/GDA==", "0x" + "00" * 16, " 00", "0 0 ", "é" * 32])
def test_an_id_that_is_not_hexadecimal_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedInputError, match=r"`Span.trace_id`: `.*` is not hexadecimal"):
        span_of({"traceId": text})


@pytest.mark.parametrize("value", [7, "7", 7.0, "7.0"])
def test_an_integer_is_a_number_or_a_text(value: Any) -> None:
    assert span_of({"startTimeUnixNano": value, "kind": value}).start_time_unix_nano == 7
    assert value_of({"intValue": value}).int_value == 7


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, str(-(2**63)), str(2**63 - 1), 0])
def test_integers_keep_all_their_bits(value: Any) -> None:
    found = value_of({"intValue": value})
    assert (found.WhichOneof("value"), found.int_value) == ("int_value", int(value))


@pytest.mark.parametrize("value", [2, "SPAN_KIND_SERVER"])
def test_an_enumeration_is_a_number_or_a_name(value: Any) -> None:
    assert span_of({"kind": value}).kind == Span.SPAN_KIND_SERVER


@pytest.mark.parametrize("value", [1, "1", "1.0", "1e0"])
def test_a_double_is_a_number_or_a_text(value: Any) -> None:
    assert value_of({"doubleValue": value}).double_value == 1.0


def test_what_is_no_number_in_json_is_written_as_text() -> None:
    for text in ("NaN", "Infinity", "-Infinity"):
        assert repr(value_of({"doubleValue": text}).double_value) == repr(float(text))


def test_bytes_are_base64_of_either_alphabet_with_or_without_padding() -> None:
    data = b"\xff\xfe\xfd?"
    padded = urlsafe_b64encode(data).decode()
    for text in (padded, padded.rstrip("="), padded.replace("-", "+").replace("_", "/")):
        assert value_of({"bytesValue": text}).bytes_value == data


def test_both_spellings_of_a_name_may_be_mixed() -> None:
    span = span_of({"trace_id": "01", "spanId": "02", "start_time_unix_nano": 3, "endTimeUnixNano": 4})
    assert (span.trace_id, span.span_id, span.start_time_unix_nano, span.end_time_unix_nano) == (b"\1", b"\2", 3, 4)


def test_unknown_fields_are_ignored_and_null_is_not_set() -> None:
    span = span_of({"name": "a", "kind": None, "attributes": None, "status": None, "new": {"deep": [1, {}]}, "": 0})
    assert span == Span(name="a")
    assert convert(TRACES, {"resourceSpans": None, "x": [1]}) == ExportTraceServiceRequest()


def test_the_key_of_an_attribute_comes_first_however_it_is_written() -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"value":{"intValue":1},"key":"k"}]}]}]}]}'
    assert b"\x0a\x01k\x12\x02\x18\x01" in finished(CONVERTERS[TRACES].protobuf_of(body))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "SPAN_KIND_NOBODY"}, "`Span.kind`: `SPAN_KIND_NOBODY` is not an integer"),
        ({"kind": 2**31}, "`Span.kind`: out of range"),
        ({"startTimeUnixNano": -1}, "`Span.start_time_unix_nano`: out of range"),
        ({"startTimeUnixNano": str(2**64)}, "`Span.start_time_unix_nano`: `18446744073709551616` is out of range"),
        ({"startTimeUnixNano": 1.5}, "`Span.start_time_unix_nano`: not an integer"),
        ({"startTimeUnixNano": True}, "`Span.start_time_unix_nano`: not an integer"),
        ({"startTimeUnixNano": "soon"}, "`Span.start_time_unix_nano`: `soon` is not an integer"),
        ({"flags": -1}, "`Span.flags`: out of range"),
        ({"name": 5}, "`Span.name`: not a string"),
        ({"attributes": {}}, "`Span.attributes` must be an array"),
        ({"attributes": [5]}, "a KeyValue must be an object"),
        ({"attributes": [None]}, "a KeyValue must be an object"),
        ({"status": []}, "a Status must be an object"),
        ({"attributes": [{"value": {"boolValue": 1}}]}, "`AnyValue.bool_value`: neither true nor false"),
        ({"attributes": [{"value": {"doubleValue": "a"}}]}, "`AnyValue.double_value`: `a` is not a number"),
        ({"attributes": [{"value": {"bytesValue": "*"}}]}, "`AnyValue.bytes_value`: `\\*` is not base64"),
    ],
)
def test_a_value_that_is_none_of_its_field_is_refused_by_name(fields: Any, message: str) -> None:
    with pytest.raises(MalformedInputError, match=f"^{message}$"):
        span_of(fields)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b"{",
        b"{}}",
        b'{"resourceSpans":5}',
        b'{"resourceSpans":[5]}',
        b'{"resourceSpans":[{"scopeSpans":{}}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":1e999}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":%s}]}]}]}' % (b"9" * 5000),
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\x"}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":NaN}]}]}]}',
    ],
)
def test_what_is_not_a_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedInputError):
        convert(TRACES, body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"\xff\xfe ok"', "�� ok"),
        (b'"caf\xe9"', "caf�"),
        (b'"\\ud800 ok"', "� ok"),
        (b'"\\udc00\\ud800"', "��"),
        (b'"\\ud83d\\ude00\\ud83d"', "\U0001f600�"),
        (b'"\\\\ud800 \\\\\\ud800"', "\\ud800 \\�"),
        (b'"\\\\\\\\ud800\\udc00"', "\\\\ud800�"),
        (b'"\xed\xa0\x80"', "���"),
    ],
)
def test_text_that_is_broken_costs_its_letters_and_nothing_else(text: bytes, expected: str) -> None:
    span = span_of(b'{"name":' + text + b',"kind":2,"attributes":[{"key":' + text + b"}]}")
    assert (span.name, span.kind, span.attributes[0].key) == (expected, 2, expected)


def test_repair_does_not_touch_what_is_whole() -> None:
    text = '{"a":"\\ud83d\\ude00 \\\\ud800 žluť"}'.encode()
    assert finished(repaired(text)) == text


def test_what_is_not_text_at_all_is_refused() -> None:
    with pytest.raises(MalformedInputError, match="UTF-8"):
        convert(TRACES, b'{"resourceSpans":[{"schemaUrl":"' + b"\xff" * (MOST_GROWTH_BYTES * 2 // 3) + b'"}]}')


@pytest.mark.parametrize("opening", [b"[", b'{"resourceSpans":', b'{"a":', b'{"resourceSpans":[{"x":' + b"[" * 100])
def test_a_tower_of_brackets_is_refused(opening: bytes) -> None:
    with pytest.raises((MalformedInputError, TooLargeError)):
        convert(TRACES, opening * ((4 << 20) // len(opening)))


def nested(levels: int, padding: int) -> bytes:
    """Return an attribute whose list holds a list, and so on; each level is two messages."""
    opening = b'{"arrayValue":{"values":[{"stringValue":"' + b"x" * padding + b'"},'
    return b'{"attributes":[{"key":"k","value":' + opening * levels + b'{"intValue":1}' + b"]}}" * levels + b"}]}"


@pytest.mark.parametrize("padding", [0, 2 * STEP_BYTES])
def test_nesting_ends_where_that_of_protobuf_does(padding: int) -> None:
    deepest = (MOST_LEVELS - 6) // 2
    assert span_of(nested(deepest, padding // deepest)).attributes[0].key == "k"
    for levels in (deepest + 1, 300, 100_000):
        with pytest.raises((MalformedInputError, TooLargeError), match=r"inside each other|too deeply|objects"):
            span_of(nested(levels, padding // levels))


def test_absurdly_many_values_are_refused_before_they_are_parsed() -> None:
    for item in (b"0,", b"{},", b'"",'):
        with pytest.raises(TooLargeError, match=str(VALUES)):
            convert(TRACES, b'{"resourceSpans":[' + item * (VALUES + 1) + b"{}]}")


@pytest.mark.parametrize("item", [b"{},", b'{"a":0},', b'{ "key":"a"},'])
def test_absurdly_many_objects_are_refused_before_they_are_parsed(item: bytes) -> None:
    with pytest.raises(TooLargeError, match=f"{OBJECTS} objects"):
        convert(TRACES, b'{"resourceSpans":[' + item * (OBJECTS + 1) + b"{}]}")


def test_as_many_attributes_as_fit_into_a_request_are_not_too_many() -> None:
    attribute = b'{"key":"http.method","value":{"stringValue":"GET"}}'
    spans = b",".join([b'{"attributes":[' + b",".join([attribute] * 50) + b"]}"] * 1600)
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + b"]}]}]}"
    assert len(body) > 4_000_000
    for form in (body, body.replace(b":", b": ")):
        check_density(form)


def test_a_list_of_numbers_has_a_limit_of_its_own() -> None:
    point = b'{"bucketCounts":[' + b"0," * STEP_BYTES + b"0]}"
    body = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[%s]}}]}]}]}' % point
    with pytest.raises(TooLargeError, match="bucketCounts"):
        convert(METRICS, body)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIGNALS), st.integers(0, 40), st.binary(max_size=6), st.integers(0, 2000), st.integers(0, 9))
def test_hostile_text_is_refused_or_becomes_a_valid_request(
    signal: Signal, seed: int, inserted: bytes, place: int, removed: int
) -> None:
    body = json.dumps(json_of(request(signal, Random(seed)))).encode()
    place %= len(body)
    with suppress(SenderError):
        convert(signal, body[:place] + inserted + body[place + removed :])


def test_an_empty_request_is_one() -> None:
    assert convert(METRICS, {}) == ExportMetricsServiceRequest()


def test_answers_are_json_and_count_as_their_signal_does() -> None:
    for signal, name in ((TRACES, "rejectedSpans"), (METRICS, "rejectedDataPoints"), (LOGS, "rejectedLogRecords")):
        assert answers.exported(signal, 0, "") == b"{}"
        partial = {"partialSuccess": {name: "3", "errorMessage": 'too "large"'}}
        assert json.loads(answers.exported(signal, 3, 'too "large"')) == partial
    assert json.loads(answers.rpc_status(RpcCode.NOT_FOUND, "no")) == {"code": 5, "message": "no"}
