"""Answers of an upstream, right and wrong ones."""

import json

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo  # type: ignore[import-untyped] # it has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # it has no types
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from sidecar.codec.otlp.upstream import Partial, partial_success, retry_delay_seconds, status_text
from sidecar.model.forward import JSON, PROTOBUF


def packed(message: BadRequest | RetryInfo) -> AnyMessage:
    wrapped = AnyMessage()
    wrapped.Pack(message)
    return wrapped


@pytest.mark.parametrize(
    ("response", "field"),
    [
        (ExportTraceServiceResponse(), "rejected_spans"),
        (ExportMetricsServiceResponse(), "rejected_data_points"),
        (ExportLogsServiceResponse(), "rejected_log_records"),
    ],
)
def test_refused_items_are_read_for_every_signal(
    response: ExportTraceServiceResponse | ExportMetricsServiceResponse | ExportLogsServiceResponse, field: str
) -> None:
    assert partial_success(PROTOBUF, response.SerializeToString()) == Partial()
    setattr(response.partial_success, field, 3)
    response.partial_success.error_message = "too\nold"
    assert partial_success(PROTOBUF, response.SerializeToString()) == Partial(3, "too old")


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("{}", Partial()),
        ('{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}', Partial(3, "too old")),
        ('{"partialSuccess": {"rejectedDataPoints": 4}}', Partial(4)),
        ('{"partialSuccess": {"rejectedLogRecords": "5"}}', Partial(5)),
        ('{"partialSuccess": {"rejectedSpans": "many"}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": 1e400, "errorMessage": "too old"}}', Partial(0, "too old")),
        ('{"partialSuccess": {"rejectedSpans": 1e300}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": -Infinity}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": NaN}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": 2.0}}', Partial(2)),
        ('{"partialSuccess": {"rejectedSpans": "1_0"}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": [3]}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": true}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": %s}}' % ("9" * 5000), Partial()),
        ('{"partialSuccess": {"rejectedSpans": 1, "errorMessage": {"a": 1}}}', Partial(1)),
        (r'{"partialSuccess": {"rejectedSpans": 1, "errorMessage": "\ud800"}}', Partial(1, "?")),
        ('{"partialSuccess": {"rejectedSpans": -1}}', Partial()),
        ('{"partialSuccess": {"rejectedSpans": null}}', Partial()),
        ('{"partialSuccess": []}', Partial()),
        ("[]", Partial()),
        ("null", Partial()),
        ("<html>", Partial()),
        ("[" * 100_000, Partial()),
    ],
)
def test_refused_items_are_read_from_json(text: str, partial: Partial) -> None:
    assert partial_success(JSON, text.encode()) == partial


def test_the_text_of_a_refusal_is_that_of_its_status_or_what_there_is() -> None:
    assert status_text(PROTOBUF, Status(code=3, message="bad\nspan").SerializeToString()) == "bad span"
    assert status_text(JSON, b'{"code": 3, "message": "bad span"}') == "bad span"
    assert status_text("text/plain", b"bad span\n") == "bad span"
    assert status_text("text/html", b"x" * 10_000) == "x" * 200
    assert status_text(PROTOBUF, b"\xff\xff") == ""
    assert status_text(JSON, b"{") == ""


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([], None),
        ([BadRequest()], None),
        ([BadRequest(), RetryInfo(retry_delay=Duration(seconds=7, nanos=500_000_000))], 7.5),
        ([RetryInfo()], 0.0),
        ([RetryInfo(retry_delay=Duration(seconds=-7))], 0.0),
        ([RetryInfo(retry_delay=Duration(seconds=2**63 - 1, nanos=2**31 - 1))], 2.0**63),
        ([RetryInfo(retry_delay=Duration(seconds=-(2**63), nanos=-(2**31)))], 0.0),
    ],
)
def test_the_delay_of_a_retry_info_is_found_among_other_details(
    details: list[BadRequest | RetryInfo], seconds: float | None
) -> None:
    status = Status(code=8, details=[packed(detail) for detail in details])
    assert retry_delay_seconds(status.SerializeToString()) == seconds


@given(st.binary(max_size=200))
def test_no_answer_is_one_to_stumble_over(data: bytes) -> None:
    for content_type in (PROTOBUF, JSON, "", "text/plain"):
        assert partial_success(content_type, data).refused >= 0
        assert len(status_text(content_type, data)) <= 200
    retry_delay_seconds(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords", "other"]), VALUES, VALUES)
def test_no_value_of_a_partial_success_is_one_to_stumble_over(name: str, refused: object, message: object) -> None:
    data = json.dumps({"partialSuccess": {name: refused, "errorMessage": message}, "message": message}).encode()
    partial = partial_success(JSON, data)
    assert 0 <= partial.refused < 2**63
    for text in (partial.message, status_text(JSON, data)):
        assert len(text) <= 200
        text.encode()
