"""Spans and log records whose ids are none: zeros, nothing, or of another length. They have nothing in common."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from sidecar.app.registry import LOG_STAGES
from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.stages import log_pipeline_of
from sidecar.model.span import SpanBatch
from sidecar.model.steps import finished
from sidecar.spans.insights import Insights
from sidecar.spans.traces.search import find
from sidecar.spans.traces.tree import jaeger_tree
from tests.unit.codec.otlp_messages import json_of
from tests.unit.spans.conftest import attributes
from tests.unit.spans.pipelines import ERRORS, judged, pipeline, shown
from tests.unit.spans.traces.building import START, Fed, span, trace_id

NO_TRACE = [b"", bytes(16), b"t" * 15, b"t" * 17, b"t" * 8]
NO_SPAN = [b"", bytes(8), b"s" * 7, b"s" * 9, b"s" * 16]
EXCEPTION = {"exception.type": "KeyError", "exception.message": "gone"}
REQUEST = {"http.request.method": "GET", "http.route": "/a"}
QUERY = {"db.system.name": "postgresql", "db.query.text": "SELECT name FROM item"}


def batches_of(spans: Sequence[Span], *, as_json: bool) -> list[SpanBatch]:
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])
    if as_json:
        return [*finished(JsonTraces().read(json.dumps(json_of(body)).encode(), 1000.0))]
    return [*SpanBatches(body.SerializeToString(), 1000.0)]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("none", NO_TRACE)
def test_failed_spans_without_a_trace_count_each(span_of: Any, values_of: Any, none: bytes, as_json: bool) -> None:
    insights = Insights()
    subject = pipeline(insights)
    failed = span_of(status=2, trace_id=none, span_id=b"s" * 8, events=[("exception", EXCEPTION)])
    for batch in batches_of([failed] * 5, as_json=as_json):
        subject.accept(batch)
    assert values_of(shown(subject, 1000.0), ERRORS, "type") == {("KeyError",): 5}
    (group,) = insights.errors.newest()
    assert (group.count, group.examples[0].trace_id) == (5, "")


@pytest.mark.parametrize("none", NO_TRACE)
def test_log_records_without_a_trace_count_each(values_of: Any, none: bytes) -> None:
    of_spans = pipeline()
    record = LogRecord(severity_number=17, attributes=attributes(EXCEPTION), trace_id=none, span_id=b"s" * 8)  # type: ignore[arg-type]
    logs = ResourceLogs(scope_logs=[ScopeLogs(log_records=[record] * 5)])
    subject = log_pipeline_of(OtlpLogsConfig(), LOG_STAGES, lambda: of_spans)
    for batch in LogBatches(ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString(), 1000.0):
        subject.accept(batch)
    assert values_of(shown(of_spans, 1000.0), ERRORS, "type") == {("KeyError",): 5}


@pytest.mark.parametrize("none", NO_SPAN)
def test_an_event_and_a_log_record_of_a_trace_without_a_span_are_not_taken_for_one(
    span_of: Any, batch_of: Any, none: bytes
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    for message in "ab":
        event = ("exception", {"exception.type": "KeyError", "exception.message": message})
        subject.accept(batch_of(span_of(status=2, trace_id=b"t" * 16, span_id=none, events=[event])))
    assert sum(group.count for group in judged(insights).errors.newest()) == 2


@pytest.mark.parametrize("none", NO_TRACE)
def test_calls_without_a_trace_belong_to_no_request(span_of: Any, batch_of: Any, values_of: Any, none: bytes) -> None:
    subject = pipeline()
    ids = {"trace_id": none, "parent_span_id": b"r" * 8}
    request = span_of(trace_id=none, span_id=b"r" * 8, attributes=REQUEST)
    calls = [span_of("SELECT", kind="CLIENT", seconds=0.1, attributes=QUERY, **ids) for _ in range(20)]
    subject.accept(batch_of(request, *calls, request))
    families = shown(subject, 1100.0)
    assert set(values_of(families, "sidecar_endpoint_db_calls_per_request").values()) == {0.0}
    assert values_of(families, "sidecar_endpoint_db_calls_unattributed_total") == {(): 20}
    assert values_of(families, "sidecar_nplusone_spans_dropped_total", "reason")["no_root",] == 20
    assert values_of(families, "sidecar_nplusone_total") == {}


@pytest.mark.parametrize("flags", [0x000, 0x101])
@pytest.mark.parametrize("none", NO_SPAN)
def test_a_span_without_a_parent_is_a_root_everywhere(none: bytes, flags: int) -> None:
    fed = Fed(sample_ratio=1.0)
    root = span(1, 1, kind=Span.SPAN_KIND_INTERNAL, flags=flags, name="job")
    root.parent_span_id = none
    fed.give(root, span(1, 2, parent=1))
    fed.wait(5)
    assert [summary.name for summary in fed.summaries()] == ["job"]
    tree = finished(jaeger_tree(trace_id(1), fed.full().groups, fed.now, START))
    assert [(node["depth"], node["warnings"], len(node["references"])) for node in tree["spans"]] == [
        (0, [], 0),
        (1, [], 1),
    ]


@pytest.mark.parametrize("none", NO_SPAN)
def test_a_span_without_an_id_is_nobodys_parent(none: bytes) -> None:
    fed = Fed(sample_ratio=1.0)
    nameless = span(1, 1, at=0.5)
    nameless.span_id = none
    orphan = span(1, 3, at=1, kind=Span.SPAN_KIND_SERVER)
    orphan.parent_span_id = none
    fed.give(nameless, orphan)
    fed.wait(5)
    tree = finished(jaeger_tree(trace_id(1), fed.full().groups, fed.now, START))
    assert [(node["spanID"], node["depth"], node["warnings"]) for node in tree["spans"]] == [
        ("", 0, []),
        ("0000000000000003", 0, []),
    ]


def test_a_link_to_nowhere_is_no_reference() -> None:
    fed = Fed(sample_ratio=1.0)
    linked = span(1, 1)
    linked.links.add(trace_id=bytes(16), span_id=bytes(8))
    linked.links.add(trace_id=trace_id(7), span_id=b"s" * 8)
    fed.give(linked)
    fed.wait(5)
    (node,) = finished(jaeger_tree(trace_id(1), fed.full().groups, fed.now, START))["spans"]
    assert [reference["traceID"] for reference in node["references"]] == [trace_id(7).hex()]


def test_the_trace_of_no_id_is_not_found() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1, 1, trace_id=bytes(16)), span(1, 2, trace_id=b""))
    fed.wait(5)
    assert finished(find(fed.store, bytes(16), fed.now)) is None
    assert fed.value("sidecar_spans_not_stored_total", "no_trace_id") == 2
