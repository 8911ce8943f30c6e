"""Our own telemetry by the real SDK: what arrives, what does not matter, and what an endpoint in trouble costs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client import CollectorRegistry

from sidecar.deliver.telemetry.component import OwnTelemetry, Surroundings
from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.telemetry.tally import TelemetryFailing, TelemetryRecovered
from sidecar.model.errors import OperatorError
from sidecar.model.span import SpanKind
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import SwitchedTracing
from tests.fakes import RecordedEvents, until
from tests.unit.deliver.telemetry.receiving import Received, attributes_of, receiver

STARTED_AT = 1_600_000_000.0
SOON = 0.1
NEVER = 3600


class Telemetered:
    """What telemetry is about."""

    def __init__(self) -> None:
        self.events = RecordedEvents()
        self.meter = Meter(CollectorRegistry())
        self.tracing = SwitchedTracing()
        self.around = Surroundings(SystemClock(), self.meter, self.events, self.tracing, STARTED_AT)

    @asynccontextmanager
    async def running(self, endpoint: str, **settings: object) -> AsyncIterator[None]:
        config = TelemetryConfig.model_validate({"endpoint": endpoint, "export_interval_seconds": SOON, **settings})
        async with open_tier(SystemClock(), self.events) as tier:
            await tier.start(OwnTelemetry(config, {"service.name": "sidecar"}, self.around))
            yield

    def work(self, name: str = "work", error: str = "") -> None:
        with self.tracing.span(name, SpanKind.CLIENT, {"number": 1}) as span:
            if error:
                span.fail("trouble", error)

    def count(self, name: str, **labels: str) -> float | None:
        return self.meter.registry.get_sample_value(f"sidecar_telemetry_{name}", labels)


@pytest.fixture
def telemetered() -> Telemetered:
    return Telemetered()


@pytest.fixture
async def received() -> AsyncIterator[Received]:
    async with receiver() as running:
        yield running


async def test_spans_arrive_with_their_times_and_attributes_and_failed_ones_are_marked(
    telemetered: Telemetered, received: Received
) -> None:
    began = SystemClock().now()
    async with telemetered.running(received.url, metrics=False):
        telemetered.work("good")
        telemetered.work("bad", "postgresql://u:c4nary@h refused")
        await until(lambda: len(received.spans) == 2)
        await until(lambda: telemetered.count("sent_total", signal="traces") == 2)
    good, bad = received.spans
    assert (good.name, good.kind, attributes_of(good)) == ("good", Span.SPAN_KIND_CLIENT, {"number": 1})
    assert began - 1 < good.start_time_unix_nano / 1e9 <= good.end_time_unix_nano / 1e9 < began + 60
    assert (good.parent_span_id, good.trace_id == bad.trace_id) == (b"", False)
    assert bad.status == Status(code=Status.STATUS_CODE_ERROR, message="postgresql://***@h refused")
    assert attributes_of(bad)["error.type"] == "trouble"
    assert attributes_of(received.traces[0].resource_spans[0].resource)["service.name"] == "sidecar"
    assert telemetered.count("dropped_total", signal="traces", reason="not_taken") == 0


async def test_metrics_arrive_at_once_and_then_on_the_interval_with_names_and_types_kept(
    telemetered: Telemetered, received: Received
) -> None:
    telemetered.meter.counter("made_total", "Things made.", ["kind"]).labels("a").inc(3)
    telemetered.meter.read_total("elsewhere_total", "Kept elsewhere.", lambda: 5)
    telemetered.meter.histogram("took_seconds", "How long it took.").observe(0.3)
    async with telemetered.running(received.url, traces=False):
        await until(lambda: len(received.metrics) >= 2)
    metrics = received.last_metrics
    assert (metrics["made_total"].sum.is_monotonic, metrics["made_total"].sum.aggregation_temporality) == (True, 2)
    assert metrics["made_total"].sum.data_points[0].as_double == 3
    assert metrics["elsewhere_total"].sum.data_points[0].start_time_unix_nano == STARTED_AT * 1e9
    assert metrics["took_seconds"].histogram.data_points[0].count == 1
    assert "sidecar_telemetry_sent_total" in metrics


async def test_headers_are_sent_and_nothing_that_the_environment_says_about_the_app(
    telemetered: Telemetered, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = {
        "OTEL_SDK_DISABLED": "true",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "team=shop",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=of-the-app",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_TRACES_SAMPLER": "always_off",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }
    for name, value in app.items():
        monkeypatch.setenv(name, value)
    async with telemetered.running(received.url, headers={"X-Token": "t0ken"}):
        telemetered.work()
        await until(lambda: bool(received.spans and received.metrics))
    assert set(received.paths) == {"/otlp/v1/traces", "/otlp/v1/metrics"}
    assert {headers["x-token"] for headers in lowered(received.headers)} == {"t0ken"}
    assert not any("x-api-key" in headers for headers in lowered(received.headers))
    resource = attributes_of(received.traces[0].resource_spans[0].resource)
    assert (resource["service.name"], "team" in resource) == ("sidecar", False)


def lowered(headers: list[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{name.lower(): value for name, value in pairs.items()} for pairs in headers]


async def test_what_waits_at_the_end_is_still_sent(telemetered: Telemetered, received: Received) -> None:
    async with telemetered.running(received.url, export_interval_seconds=NEVER):
        await until(lambda: len(received.metrics) == 1)
        telemetered.work()
    assert (len(received.spans), len(received.metrics)) == (1, 2)
    telemetered.work()
    assert len(received.spans) == 1


async def test_sampling_leaves_spans_out(telemetered: Telemetered, received: Received) -> None:
    async with telemetered.running(received.url, metrics=False, sampling_ratio=0):
        telemetered.work()
    assert received.spans == []


async def test_failing_and_recovering_are_told_once_each_and_what_is_lost_is_counted(
    telemetered: Telemetered, received: Received
) -> None:
    received.status = 403
    async with telemetered.running(received.url, metrics=False, headers={"x": "s3cret"}):
        for lost in (1, 2):
            telemetered.work()
            await until(partial(is_lost, telemetered, lost))
        received.status = 200
        telemetered.work()
        await until(lambda: len(telemetered.events.seen) == 2)
    failing, recovered = telemetered.events.seen
    assert isinstance(failing, TelemetryFailing)
    assert "403" in failing.reason
    assert recovered == TelemetryRecovered("traces", 2)


def is_lost(telemetered: Telemetered, spans: int) -> bool:
    return telemetered.count("dropped_total", signal="traces", reason="not_taken") == spans


async def test_an_endpoint_that_never_answers_costs_a_bounded_queue_and_a_bounded_end(
    telemetered: Telemetered, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.deliver.telemetry.component.FLUSH_SECONDS", 0.1)
    received.status = None
    async with telemetered.running(received.url, metrics=False, queue_capacity=10, export_interval_seconds=NEVER):
        for _ in range(50):
            telemetered.work()
        await asyncio.sleep(0)
        assert (telemetered.count("waiting", signal="traces") or 0) <= 10
    kept = telemetered.count("dropped_total", signal="traces", reason="shutdown") or 0
    dropped = telemetered.count("dropped_total", signal="traces", reason="queue_full") or 0
    assert dropped >= 30
    assert 0 <= 50 - dropped - kept <= 10


async def test_one_that_is_away_is_told_by_event_and_never_by_the_log_of_the_sdk(
    telemetered: Telemetered, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with telemetered.running(f"http://127.0.0.1:{unused_tcp_port}", timeout_seconds=0.2):
        telemetered.work()
        await until(lambda: len(telemetered.events.seen) == 2)
    assert {event.signal for event in telemetered.events.seen if isinstance(event, TelemetryFailing)} == {
        "traces",
        "metrics",
    }
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry")] == []
    logging.getLogger("opentelemetry.sdk").warning("late")
    assert len(telemetered.events.seen) == 2


async def test_certificates_that_cannot_be_read_are_an_error_of_the_operator(
    telemetered: Telemetered, tmp_path: Path
) -> None:
    config = TelemetryConfig(endpoint="https://h", ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(OperatorError, match=r"`ca_file` `.*none\.pem` cannot be read: No such file"):
        await OwnTelemetry(config, {}, telemetered.around).run(lambda: None)


class GrpcReceiver:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[str] = []
        self.metrics: list[str] = []
        self.metadata: list[dict[str, Any]] = []

    def export(self, kind: type[Any], keep: Callable[[Any], None]) -> "grpc.RpcMethodHandler[Any, Any]":
        async def handle(request: bytes, context: "grpc.aio.ServicerContext[Any, Any]") -> bytes:
            self.metadata.append(dict(context.invocation_metadata() or ()))
            keep(kind.FromString(request))
            return b""

        return grpc.unary_unary_rpc_method_handler(handle)

    def keep_traces(self, request: ExportTraceServiceRequest) -> None:
        self.spans += [span.name for span in request.resource_spans[0].scope_spans[0].spans]

    def keep_metrics(self, request: ExportMetricsServiceRequest) -> None:
        self.metrics += [metric.name for metric in request.resource_metrics[0].scope_metrics[0].metrics]


async def test_all_of_it_arrives_by_grpc_too(telemetered: Telemetered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=of-the-app")
    service = "opentelemetry.proto.collector"
    got = GrpcReceiver()
    server = grpc.aio.server()
    for name, handler in (
        ("trace.v1.TraceService", got.export(ExportTraceServiceRequest, got.keep_traces)),
        ("metrics.v1.MetricsService", got.export(ExportMetricsServiceRequest, got.keep_metrics)),
    ):
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"{service}.{name}", {"Export": handler}),)
        )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with telemetered.running(f"http://127.0.0.1:{port}", protocol="grpc", headers={"X-Token": "t0ken"}):
            telemetered.work()
            await until(lambda: bool(got.spans and got.metrics))
    finally:
        await server.stop(None)
    assert (got.spans, "sidecar_telemetry_sent_total" in got.metrics) == (["work"], True)
    assert {metadata["x-token"] for metadata in got.metadata} == {"t0ken"}
    assert not any("x-api-key" in metadata for metadata in got.metadata)


async def test_a_redirect_within_the_receiver_is_followed_with_body_and_headers_and_counted(
    telemetered: Telemetered, received: Received
) -> None:
    received.answer = 307, "{path}/moved"
    async with telemetered.running(received.url, metrics=False, headers={"X-Token": "t0ken"}):
        telemetered.work()
        await until(lambda: telemetered.count("sent_total", signal="traces") == 1)
    assert len(received.spans) == 1
    assert {headers["x-token"] for headers in lowered(received.headers)} == {"t0ken"}
    assert telemetered.count("redirects_total", signal="traces") == 1


@pytest.mark.parametrize(
    ("status", "location"),
    [(302, "{path}/moved"), (307, "http://127.0.0.1:1/moved"), (308, "{path}"), (301, ""), (307, "http://[")],
)
async def test_any_other_redirect_is_no_success(
    telemetered: Telemetered, received: Received, status: int, location: str
) -> None:
    received.answer = status, location
    async with telemetered.running(received.url, metrics=False, headers={"X-Token": "t0ken"}):
        telemetered.work()
        await until(lambda: telemetered.count("dropped_total", signal="traces", reason="not_taken") == 1)
    assert (received.spans, telemetered.count("sent_total", signal="traces")) == ([], 0)
    (event,) = [event for event in telemetered.events.seen if isinstance(event, TelemetryFailing)]
    assert "redirect" in event.reason
    assert "t0ken" not in str(telemetered.events.seen)
