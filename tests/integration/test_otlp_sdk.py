"""The OpenTelemetry SDK's own exporters against the receivers with everything behind them, and a collector between."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry
from typing_extensions import override

from sidecar.app.registry import SPAN_STAGES
from sidecar.model.address import Address
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.reception import Sinks, reception_of
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.queries.config import NPlusOneConfig
from sidecar.spans.stages import pipeline_of
from tests.rotel import rotel_agent, rotel_environment
from tests.servers import HOST, Program, eventually, free_port
from tests.unit.receive.served import gather_of, running

pytestmark = pytest.mark.integration

CALLS = "traces_span_metrics_calls_total", "shop", "SPAN_KIND_CLIENT", "SELECT orders", "STATUS_CODE_UNSET"

GRACE_SECONDS = NPlusOneConfig().grace_seconds


class Receivers(NamedTuple):
    """Where to send, and what counts."""

    http_port: int
    grpc_port: int
    pipeline: Pipeline

    def counted(self) -> dict[tuple[str, ...], float]:
        """Return the samples of the pipeline by name and label values, when traces have been judged."""
        samples = [
            sample for item in self.pipeline.families(SystemClock().now() + GRACE_SECONDS) for sample in item.samples
        ]
        return {(sample.name, *(value for _, value in sample.labels)): sample.value for sample in samples}


@pytest.fixture
async def receivers() -> AsyncIterator[Receivers]:
    anywhere = {"listen": Address(HOST, 0)}
    pipeline = pipeline_of(SpansConfig(), Insights(), SPAN_STAGES)
    reception = reception_of(OtlpConfig(http=anywhere, grpc=anywhere), Sinks(gather_of(pipeline.accept)), SystemClock())
    meter = Meter(CollectorRegistry())
    http, over_grpc = OtlpHttpReceiver(reception, meter), OtlpGrpcReceiver(reception, meter)
    async with running(http, over_grpc):
        yield Receivers(http.address.port, over_grpc.address.port, pipeline)


def send_a_hundred_requests(exporter: SpanExporter) -> None:
    """Make 100 traces of a server span with two database spans; every tenth fails."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=1000, max_export_batch_size=37))
    tracer = provider.get_tracer("shop")
    for number in range(100):
        attributes: dict[str, Any] = {"http.request.method": "GET", "http.route": "/orders/{id}"}
        with tracer.start_as_current_span("GET /orders/{id}", kind=SpanKind.SERVER, attributes=attributes) as span:
            for _ in range(2):
                query = {"db.system.name": "postgresql", "db.operation.name": "SELECT", "db.collection.name": "orders"}
                tracer.start_span("SELECT orders", kind=SpanKind.CLIENT, attributes=query).end()
            failed = number % 10 == 0
            if failed:
                span.record_exception(KeyError(number))
                span.set_status(StatusCode.ERROR, "no such order")
            span.set_attribute("http.response.status_code", 500 if failed else 200)
    assert provider.force_flush()
    provider.shutdown()


def over_http(compression: Compression) -> Callable[[Receivers], SpanExporter]:
    return lambda to: HttpExporter(endpoint=f"http://{HOST}:{to.http_port}/v1/traces", compression=compression)


def over_grpc(compression: grpc.Compression) -> Callable[[Receivers], SpanExporter]:
    return lambda to: GrpcExporter(endpoint=f"http://{HOST}:{to.grpc_port}", insecure=True, compression=compression)


@pytest.mark.parametrize(
    "exporter_to",
    [
        *map(over_http, (Compression.NoCompression, Compression.Gzip, Compression.Deflate)),
        *map(over_grpc, (grpc.Compression.NoCompression, grpc.Compression.Gzip)),
    ],
)
async def test_a_hundred_requests_sent_are_a_hundred_counted(
    receivers: Receivers, exporter_to: Callable[[Receivers], SpanExporter]
) -> None:
    await asyncio.to_thread(lambda: send_a_hundred_requests(exporter_to(receivers)))
    assert_a_hundred_requests(receivers.counted())


def assert_a_hundred_requests(counted: Mapping[tuple[str, ...], float]) -> None:
    assert counted[CALLS] == 200
    assert counted["sidecar_http_server_requests_total", "GET", "/orders/{id}", "shop", "2xx"] == 90
    assert counted["sidecar_http_server_requests_total", "GET", "/orders/{id}", "shop", "5xx"] == 10
    assert counted["sidecar_db_client_operations_total", "orders", "SELECT", "shop", "postgresql"] == 200
    assert counted["sidecar_errors_total", "shop", "KeyError"] == 10


class Rotel(Program):
    """A collector that passes on what it gets; it must be able to load Python's library."""

    name = "rotel"

    def __init__(self, directory: Path, exporter: Mapping[str, str]) -> None:
        super().__init__(directory)
        self.grpc_port = free_port()
        self._exporter = exporter
        try:
            self._agent = rotel_agent()
        except RuntimeError as error:
            pytest.skip(str(error))

    @override
    def command(self) -> Sequence[str]:
        exporter = [f"--otlp-exporter-{name}={value}" for name, value in self._exporter.items()]
        return [
            *(str(self._agent), "start", "--exporter=otlp"),
            *(f"--otlp-http-endpoint={HOST}:{self.port}", f"--otlp-grpc-endpoint={HOST}:{self.grpc_port}"),
            *(f"--pid-file={self.directory}/pid", f"--log-file={self.directory}/agent.log", *exporter),
        ]

    @override
    def environment(self) -> Mapping[str, str]:
        return rotel_environment()

    async def listen(self) -> None:
        """Start it and return when it listens; it has no page that says so."""
        self.spawn()

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(listens)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_what_a_collector_passes_on_is_counted_span_for_span(
    receivers: Receivers, tmp_path: Path, protocol: str, compression: str
) -> None:
    port = receivers.grpc_port if protocol == "grpc" else receivers.http_port
    settings = {"endpoint": f"http://{HOST}:{port}", "protocol": protocol, "compression": compression}
    rotel = Rotel(tmp_path, settings)
    try:
        await rotel.listen()
        exporter = HttpExporter(endpoint=f"{rotel.url}/v1/traces")
        await asyncio.to_thread(send_a_hundred_requests, exporter)

        async def calls() -> float:
            return receivers.counted().get(CALLS, 0)

        await eventually(calls, lambda count: count >= 200)
    finally:
        await asyncio.to_thread(rotel.stop)
    assert_a_hundred_requests(receivers.counted())
