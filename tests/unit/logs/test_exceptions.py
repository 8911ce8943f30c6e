"""Exceptions in log records are errors like those of spans, each counted once."""

from collections.abc import Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.app.registry import LOG_STAGES
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.stages import log_pipeline_of
from sidecar.spans.insights import Insights
from tests.unit.collect.scraping import values_of
from tests.unit.spans.conftest import attributes
from tests.unit.spans.pipelines import pipeline, shown

STACK = 'Traceback (most recent call last):\n  File "/a/shop/x.py", line 3, in f\n    f()\nKeyError: 1\n'
EXCEPTION = {"exception.type": "KeyError", "exception.message": "1", "exception.stacktrace": STACK}
RESOURCE = Resource(attributes=attributes({"service.name": "shop", "telemetry.sdk.language": "python"}))
IDS = {"trace_id": b"t" * 16, "span_id": b"s" * 8}


def logs(*records: LogRecord) -> LogBatches:
    resource = ResourceLogs(resource=RESOURCE, scope_logs=[ScopeLogs(log_records=records)])
    return LogBatches(ExportLogsServiceRequest(resource_logs=[resource]).SerializeToString(), 1000.0)


def spans(events: Mapping[str, str]) -> SpanBatches:
    event = Span.Event(name="exception", attributes=attributes(events))
    span = Span(name="GET /a", kind=Span.SPAN_KIND_SERVER, events=[event], status=Status(code=2), **IDS)  # type: ignore[arg-type]
    resource = ResourceSpans(resource=RESOURCE, scope_spans=[ScopeSpans(spans=[span])])
    return SpanBatches(ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString(), 1000.0)


def error_record(trace_id: bytes) -> LogRecord:
    return LogRecord(
        severity_number=SEVERITY_NUMBER_ERROR, attributes=attributes(EXCEPTION), trace_id=trace_id, span_id=b"s" * 8
    )


def test_an_exception_as_an_event_and_in_a_log_record_is_counted_once() -> None:
    insights = Insights()
    of_spans = pipeline(insights)
    of_logs = log_pipeline_of(OtlpLogsConfig(), LOG_STAGES, lambda: of_spans)
    for span_batch in spans(EXCEPTION):
        of_spans.accept(span_batch)
    same, other = error_record(b"t" * 16), error_record(b"u" * 16)
    for log_batch in logs(same, other, LogRecord(severity_number=SEVERITY_NUMBER_ERROR)):
        of_logs.accept(log_batch)
    (group,) = insights.errors.newest()
    assert (group.count, group.frames, group.service) == (2, ["shop/x.py f"], "shop")
    assert values_of(shown(of_spans, 1000.0))['sidecar_errors_total{service="shop",type="KeyError"}'] == 2
    assert values_of(of_logs.families(1000.0))['sidecar_log_records_total{service="shop",severity="error"}'] == 3


def test_exceptions_of_log_records_are_counted_with_those_of_the_spans_of_now() -> None:
    before, now = pipeline(), pipeline()
    counting = [before]
    of_logs = log_pipeline_of(OtlpLogsConfig(), LOG_STAGES, lambda: counting[-1])
    for log_batch in logs(error_record(b"t" * 16)):
        of_logs.accept(log_batch)
    counting.append(now)
    for log_batch in logs(error_record(b"u" * 16), error_record(b"v" * 16)):
        of_logs.accept(log_batch)
    counts = [values_of(shown(subject, 1000.0)) for subject in (before, now)]
    assert [found['sidecar_errors_total{service="shop",type="KeyError"}'] for found in counts] == [1, 2]
    assert values_of(of_logs.families(1000.0))['sidecar_log_records_total{service="shop",severity="error"}'] == 3
