"""The OpenTelemetry SDK's own exporter against the receiver with everything behind it."""

import asyncio
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from sidecar.model.address import Address
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.reception import Sinks, reception_of
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from sidecar.spans.config import SpansConfig
from sidecar.spans.stages import pipeline_of

pytestmark = pytest.mark.integration


def send_a_hundred_requests(port: int, compression: Compression) -> None:
    """Make 100 traces of a server span with two database spans; every tenth fails."""
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", compression=compression)
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


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
async def test_a_hundred_requests_sent_are_a_hundred_counted(compression: Compression) -> None:
    pipeline = pipeline_of(SpansConfig())
    config = OtlpConfig(http={"listen": Address("127.0.0.1", 0)})
    receiver = OtlpHttpReceiver(reception_of(config, Sinks(pipeline), SystemClock()), Meter(CollectorRegistry()))
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(receiver.run(ready.set))
        await ready.wait()
        await asyncio.to_thread(send_a_hundred_requests, receiver.port, compression)
        running.cancel()
    samples = [sample for item in pipeline.families(SystemClock().now()) for sample in item.samples]
    counted = {(sample.name, *(value for _, value in sample.labels)): sample.value for sample in samples}
    assert (
        counted["traces_span_metrics_calls_total", "shop", "SPAN_KIND_CLIENT", "SELECT orders", "STATUS_CODE_UNSET"]
        == 200
    )
    assert counted["sidecar_http_server_requests_total", "GET", "/orders/{id}", "shop", "2xx"] == 90
    assert counted["sidecar_http_server_requests_total", "GET", "/orders/{id}", "shop", "5xx"] == 10
    assert counted["sidecar_db_client_operations_total", "orders", "SELECT", "shop", "postgresql"] == 200
    assert counted["sidecar_errors_total", "shop", "KeyError"] == 10
