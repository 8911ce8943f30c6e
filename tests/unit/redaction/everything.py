"""All that the sidecar keeps of telemetry, filled with requests and read out again."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.app.registry import LOG_STAGES, SPAN_STAGES
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.masked import masked
from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.stages import log_pipeline_of
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.store import MetricStore
from sidecar.metrics.told import Conflict
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.queries.statistics import SlowCall
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.search import find
from sidecar.spans.traces.store import TraceStore

NOW = 1_790_000_001.0
_START = 1_790_000_000 * 10**9
TRACE = b"\x01" * 16
ROOT = b"\x02" * 8

FIELDS = (
    "service.name",
    "service.version",
    "service.namespace",
    "service.instance.id",
    "resource attribute",
    "resource key",
    "scope name",
    "scope version",
    "scope attribute",
    "span name",
    "child span name",
    "span attribute",
    "span key",
    "nested key",
    "http.route",
    "http.request.method",
    "server.address",
    "url.full",
    "db.system.name",
    "db.operation.name",
    "db.collection.name",
    "db.query.text",
    "messaging.system",
    "messaging.destination.name",
    "error.type",
    "status",
    "trace state",
    "event name",
    "event attribute",
    "exception.type",
    "exception.message",
    "exception.stacktrace",
    "link attribute",
    "log body",
    "log attribute",
    "log severity",
    "metric name",
    "metric description",
    "metric unit",
    "metric attribute",
    "metric key",
)
"""Where a text from outside may stand."""

Texts = dict[str, str]


class Everything:
    """Stores as they are in a sidecar, with what was told to its log; what spans have for dimensions is a label too."""

    def __init__(self, config: RedactConfig) -> None:
        self.redactor = Redactor(config)
        self.told: list[Conflict | SlowCall] = []
        self.traces = TraceStore(TracesConfig(), self.redactor)
        self.insights = Insights(redactor=self.redactor, link=self.traces.link_error_group, tell_slow=self.told.append)
        spans = SpansConfig.model_validate(
            {"dimensions": [{"name": "note"}, {"name": "of.resource"}], "kinds": ["server", "client", "producer"]}
        )
        self.pipeline = pipeline_of(spans, self.insights, SPAN_STAGES, (self.traces,))
        self.metrics = MetricStore(
            OtlpMetricsConfig(promote_resource_attributes=("of.resource",)), self.told.append, self.redactor
        )
        self.logs = log_pipeline_of(OtlpLogsConfig(), LOG_STAGES, lambda: self.pipeline, self.redactor)

    def receive(self, texts: Texts, language: str = "python") -> None:
        """Take a failed request with repeated queries, a log record of an exception and a metric with these texts."""
        spans, logs, metrics = _spans(texts, language), _logs(texts, language), _metrics(texts, language)
        for span_batch in SpanBatches(spans.SerializeToString(), NOW):
            self.pipeline.accept(span_batch)
        for log_batch in LogBatches(logs.SerializeToString(), NOW):
            self.logs.accept(log_batch)
        for metric_batch in MetricBatches(metrics.SerializeToString(), NOW):
            self.metrics.accept(metric_batch)

    def shown(self) -> str:
        """Return all that is kept, as one text."""
        later = NOW + 1000
        families = [*self.pipeline.families(later), *self.logs.families(later), *self.metrics.families(NOW)]
        finished(self.traces.advance(later))
        trace = finished(find(self.traces, TRACE, later))
        assert trace is not None
        parts = [
            families,
            self.insights.errors.next_changes(1000),
            [*self.insights.errors.newest()],
            [fact.query for fact in self.insights.queries.statistics.all()],
            [*self.insights.queries.findings.newest()],
            finished(otlp_json(TRACE, trace.groups)),
            trace.summary,
            self.told,
        ]
        return repr(parts)

    def forwarded(self, texts: Texts, language: str = "python") -> str:
        """Return the requests as `forward.redact` sends them on."""
        requests = {
            "traces": _spans(texts, language),
            "logs": _logs(texts, language),
            "metrics": _metrics(texts, language),
        }
        found = ""
        for signal, request in requests.items():
            kind: Any = type(request)
            found += str(kind.FromString(masked(signal, request.SerializeToString(), self.redactor)))  # type: ignore[arg-type] # one of the three
        return found


def _pairs(values: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items() if key and value]


def _resource(texts: Texts, language: str) -> Resource:
    named = {key: texts.get(key, "") for key in FIELDS if key.startswith("service.")}
    named["service.name"] = named["service.name"] or "shop"
    key = texts.get("resource key", "")
    return Resource(
        attributes=_pairs(
            {
                **named,
                "telemetry.sdk.language": language,
                "of.resource": texts.get("resource attribute", ""),
                key: "x",
            }
        )
    )


def _scope(texts: Texts) -> InstrumentationScope:
    return InstrumentationScope(
        name=texts.get("scope name", ""),
        version=texts.get("scope version", ""),
        attributes=_pairs({"of.scope": texts.get("scope attribute", "")}),
    )


def _exception(texts: Texts) -> dict[str, str]:
    return {key: texts.get(key, "") for key in ("exception.type", "exception.message", "exception.stacktrace")}


def _of_spans(texts: Texts) -> list[KeyValue]:
    keys = [key for key in FIELDS if key.startswith(("server.", "url.", "error."))]
    found = _pairs({key: texts.get(key, "") for key in keys} | {"note": texts.get("span attribute", "")})
    found += _pairs({texts.get("span key", ""): "x"})
    nested = KeyValue(key="deep")
    nested.value.kvlist_value.values.add(key=texts.get("nested key", "k")).value.string_value = "x"
    return [*found, nested]


def _spans(texts: Texts, language: str) -> ExportTraceServiceRequest:
    def span(name: str, kind: str, identity: bytes, **more: Any) -> Span:
        return Span(
            name=name,
            kind=Span.SpanKind.Value(f"SPAN_KIND_{kind}"),
            trace_id=TRACE,
            span_id=identity,
            start_time_unix_nano=_START,
            end_time_unix_nano=_START + 3 * 10**9,
            trace_state=texts.get("trace state", ""),
            **more,
        )

    events = [
        Span.Event(name="exception", attributes=_pairs(_exception(texts))),
        Span.Event(name=texts.get("event name", ""), attributes=_pairs({"of.event": texts.get("event attribute", "")})),
    ]
    http = {"http.route": texts.get("http.route", "/a"), "http.request.method": texts.get("http.request.method", "GET")}
    root = span(
        texts.get("span name", "GET /a"),
        "SERVER",
        ROOT,
        attributes=[*_of_spans(texts), *_pairs(http)],
        events=events,
        links=[Span.Link(trace_id=TRACE, attributes=_pairs({"of.link": texts.get("link attribute", "")}))],
        status=Status(code=Status.STATUS_CODE_ERROR, message=texts.get("status", "")),
    )
    database = {key: texts.get(key, "") for key in FIELDS if key.startswith("db.")}
    database["db.system.name"] = database["db.system.name"] or "postgresql"
    calls = [
        span(
            texts.get("child span name", "SELECT"),
            "CLIENT",
            bytes([number]) * 8,
            parent_span_id=ROOT,
            attributes=[*_of_spans(texts), *_pairs(database)],
            status=Status(code=Status.STATUS_CODE_ERROR, message=texts.get("status", "")),
        )
        for number in range(10, 20)
    ]
    messages = {key: texts.get(key, "") for key in FIELDS if key.startswith("messaging.")}
    sent = span("send", "PRODUCER", b"\x03" * 8, parent_span_id=ROOT, attributes=_pairs(messages))
    inner = span(texts.get("child span name", "work"), "INTERNAL", b"\x04" * 8, parent_span_id=ROOT, events=events[:1])
    scope = ScopeSpans(scope=_scope(texts), spans=[*calls, sent, inner, root])
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=_resource(texts, language), scope_spans=[scope])]
    )


def _logs(texts: Texts, language: str) -> ExportLogsServiceRequest:
    record = LogRecord(
        severity_number=17,  # type: ignore[arg-type] # ERROR
        severity_text=texts.get("log severity", ""),
        body=AnyValue(string_value=texts.get("log body", "")),
        attributes=_pairs({"of.log": texts.get("log attribute", ""), **_exception(texts)}),
    )
    scope = ScopeLogs(scope=_scope(texts), log_records=[record])
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=_resource(texts, language), scope_logs=[scope])]
    )


def _metrics(texts: Texts, language: str) -> ExportMetricsServiceRequest:
    attributes = _pairs({"of.point": texts.get("metric attribute", ""), texts.get("metric key", ""): "x"})
    metric = Metric(
        name=texts.get("metric name", "orders"),
        description=texts.get("metric description", ""),
        unit=texts.get("metric unit", ""),
        gauge=Gauge(data_points=[NumberDataPoint(as_int=1, attributes=attributes)]),
    )
    scope = ScopeMetrics(scope=_scope(texts), metrics=[metric])
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=_resource(texts, language), scope_metrics=[scope])]
    )
