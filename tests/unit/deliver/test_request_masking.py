"""Requests that are forwarded masked: by the settings of what is shown, whatever the format."""

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.deliver.masking import RequestMasking
from sidecar.model.errors import MalformedInputError
from sidecar.model.forward import JSON, PROTOBUF, ForwardBody, Signal
from sidecar.redaction.config import RedactConfig

MAIL = "jane@example.com"
ATTRIBUTES = [
    {"key": "password", "value": {"stringValue": "x"}},
    {"key": "db.query.text", "value": {"stringValue": "SELECT a FROM t WHERE b = 'x'"}},
    {"key": "note", "value": {"stringValue": f"by {MAIL}"}},
    {"key": "count", "value": {"intValue": "7"}},
]
REQUESTS: dict[str, tuple[Any, Any]] = {
    "traces": (
        ExportTraceServiceRequest,
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": MAIL, "attributes": ATTRIBUTES}]}]}]},
    ),
    "logs": (
        ExportLogsServiceRequest,
        {
            "resourceLogs": [
                {"scopeLogs": [{"logRecords": [{"body": {"stringValue": MAIL}, "attributes": ATTRIBUTES}]}]}
            ]
        },
    ),
    "metrics": (
        ExportMetricsServiceRequest,
        {
            "resourceMetrics": [
                {
                    "resource": {"attributes": ATTRIBUTES},
                    "scopeMetrics": [
                        {"metrics": [{"name": "m", "gauge": {"dataPoints": [{"attributes": ATTRIBUTES}]}}]}
                    ],
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("signal", REQUESTS)
@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_a_request_is_masked_whatever_its_signal_and_format(signal: Signal, content_type: str) -> None:
    kind, data = REQUESTS[signal]
    original = ForwardBody(signal, JSON, json.dumps(data).encode())
    if content_type == PROTOBUF:
        plain = RequestMasking(RedactConfig(attributes=(), credentials=False, emails=False, sql_literals=False))
        original = plain(original)._replace(is_masked=False)
        assert MAIL.encode() in original.body
    masked = RequestMasking(RedactConfig())(original)
    assert (masked.signal, masked.content_type, masked.is_masked) == (signal, PROTOBUF, True)
    text = str(kind.FromString(masked.body))
    assert MAIL not in text
    assert '"x"' not in text
    assert "SELECT a FROM t WHERE b = ?" in text
    assert "by ***" in text
    assert "int_value: 7" in text


def test_a_request_that_cannot_be_read_is_no_masked_one() -> None:
    with pytest.raises(MalformedInputError):
        RequestMasking(RedactConfig())(ForwardBody("traces", PROTOBUF, b"\x0a\xff"))
