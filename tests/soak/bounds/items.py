"""Floods of items of which no two are alike: spans, data points and log records."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.soak.bounds.template import PLACE, Template

SERVER, CLIENT = 2, 3
PER_REQUEST = 1000
NUMBER = f"{PLACE}-of-many"[:16].ljust(16, "-")
"""Sixteen bytes, for ids."""
STACK = f'Traceback (most recent call last):\n  File "/app/{PLACE}.py", line 1, in f{PLACE}\n    go()\nE{PLACE}: no\n'


class ItemFlood(NamedTuple):
    """Items that differ in one thing, sent to `path`; one of the counters that begin with `tells` must say so."""

    name: str
    path: str
    template: Template
    tells: tuple[str, ...]


def span_flood(name: str, fill: Callable[[Any], None], *tells: str) -> ItemFlood:
    """Return a flood of spans that `fill` makes."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute(resource.resource, "service.name", "flooded")
    scope = resource.scope_spans.add()
    for _ in range(PER_REQUEST):
        fill(started(scope.spans.add(kind=SERVER, name="GET /")))
    return ItemFlood(name, "/v1/traces", Template(request, PER_REQUEST), tells)


def resource_flood(name: str, attributes: Mapping[str, str], *tells: str) -> ItemFlood:
    """Return a flood of spans, each with a resource of its own."""
    request = ExportTraceServiceRequest()
    for _ in range(PER_REQUEST):
        resource = request.resource_spans.add()
        for key, value in attributes.items():
            attribute(resource.resource, key, value)
        started(resource.scope_spans.add().spans.add(kind=SERVER, name="GET /"))
    return ItemFlood(name, "/v1/traces", Template(request, PER_REQUEST), tells)


def metric_flood(name: str, fill: Callable[[Any], None], *tells: str) -> ItemFlood:
    """Return a flood of ResourceMetrics that `fill` makes."""
    request = ExportMetricsServiceRequest()
    for _ in range(PER_REQUEST):
        fill(request.resource_metrics.add())
    return ItemFlood(name, "/v1/metrics", Template(request, PER_REQUEST), tells)


def log_flood(name: str, fill: Callable[[Any], None], *tells: str) -> ItemFlood:
    """Return a flood of ResourceLogs that `fill` makes."""
    request = ExportLogsServiceRequest()
    for _ in range(PER_REQUEST):
        fill(request.resource_logs.add())
    return ItemFlood(name, "/v1/logs", Template(request, PER_REQUEST), tells)


def attribute(holder: Any, key: str, value: str) -> None:
    """Add an attribute to a message that has some."""
    holder.attributes.add(key=key).value.string_value = value


def started(span: Any) -> Any:
    """Return `span` with ids, of no trace in particular, and a duration of a hundredth of a second."""
    span.trace_id, span.span_id = b"one trace of all", b"one span"
    span.start_time_unix_nano, span.end_time_unix_nano = 1_700_000_000_000_000_000, 1_700_000_000_010_000_000
    return span


def item_floods() -> Iterator[ItemFlood]:
    """Yield all of them."""
    spans, groups, points = "sidecar_spans_overflowed", "sidecar_error_groups_evicted", "sidecar_otlp_metrics_dropped"
    yield span_flood("span names", _named, spans)
    yield span_flood("routes", _with(("http.request.method", "GET"), ("http.route", f"/{PLACE}")), spans)
    yield resource_flood("services", {"service.name": f"s{PLACE}"}, spans)
    yield resource_flood("resources", {"service.name": "flooded", "service.instance.id": PLACE})
    yield span_flood("values of a dimension", _with(("tenant", PLACE)), spans)
    yield span_flood("values that nobody wants", _with(("user.id", PLACE)))
    yield span_flood("attribute keys", _with((f"k{PLACE}", "v")))
    yield span_flood("trace ids", _of_its_own_trace, "sidecar_traces_dropped")
    yield span_flood("failed traces", _failed_trace, "sidecar_traces_dropped")
    yield span_flood("errors", _raising, groups, spans)
    yield span_flood("queries", _querying, "sidecar_queries_evicted")
    yield metric_flood("metric names", lambda metrics: _point(metrics, name=f"m{PLACE}"), points)
    yield metric_flood("label values", lambda metrics: _point(metrics, value=PLACE), points)
    yield metric_flood("label names", lambda metrics: _point(metrics, label=f"l{PLACE}"), points)
    yield metric_flood("metric resources", lambda metrics: _point(metrics, service=f"s{PLACE}"), points)
    yield log_flood("log services", lambda logs: _record(logs, service=f"s{PLACE}"), "sidecar_logs_overflowed")
    yield log_flood("log severities", lambda logs: _record(logs, severity=PLACE))
    yield log_flood("log exceptions", lambda logs: _record(logs, error=f"E{PLACE}"), groups, spans)


def _named(span: Any) -> None:
    span.name = f"job {PLACE}"


def _with(*attributes: tuple[str, str]) -> Callable[[Any], None]:
    def fill(span: Any) -> None:
        for key, value in attributes:
            attribute(span, key, value)

    return fill


def _of_its_own_trace(span: Any) -> None:
    span.trace_id = NUMBER.encode()


def _failed_trace(span: Any) -> None:
    _of_its_own_trace(span)
    span.status.code = 2


def _raising(span: Any) -> None:
    span.status.code = 2
    event = span.events.add(name="exception")
    attribute(event, "exception.type", f"E{PLACE}")
    attribute(event, "exception.stacktrace", STACK)


def _querying(span: Any) -> None:
    _of_its_own_trace(span)
    span.kind, span.parent_span_id = CLIENT, b"a parent"
    attribute(span, "db.system.name", "postgresql")
    attribute(span, "db.query.text", f"SELECT c{PLACE} FROM t{PLACE} WHERE id = 1")


def _point(metrics: Any, *, name: str = "m", label: str = "l", value: str = "v", service: str = "flooded") -> None:
    attribute(metrics.resource, "service.name", service)
    metric = metrics.scope_metrics.add().metrics.add(name=name)
    point = metric.gauge.data_points.add(as_double=1.0, time_unix_nano=1_700_000_000_000_000_000)
    attribute(point, label, value)


def _record(logs: Any, *, service: str = "flooded", severity: str = "INFO", error: str = "") -> None:
    attribute(logs.resource, "service.name", service)
    record = logs.scope_logs.add().log_records.add(severity_text=severity)
    record.body.string_value = "x"
    if error:
        attribute(record, "exception.type", error)
        attribute(record, "exception.message", error)
