"""Tracing of the shop by the OpenTelemetry SDK, as any app would set it up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

EXPORT_EVERY_MILLISECONDS = 500
EXPORT_TIMEOUT_SECONDS = 2.0

DEFAULTS = {
    "OTEL_SERVICE_NAME": "shop",
    # Today's attribute names, as in http.request.method; by default the instrumentations send the old ones.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    "OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS": "/healthz",
}


@contextmanager
def tracing() -> Iterator[None]:
    """Trace requests, queries and Redis commands; spans go where OTEL_EXPORTER_OTLP_ENDPOINT says.

    Applications must be built inside. Leaving it sends what is left, for at most two seconds.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    provider = TracerProvider(resource=Resource.create())
    exporter = OTLPSpanExporter(timeout=EXPORT_TIMEOUT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MILLISECONDS))
    trace.set_tracer_provider(provider)
    AioHttpServerInstrumentor().instrument(tracer_provider=provider)
    AsyncPGInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]
    RedisInstrumentor().instrument(tracer_provider=provider)
    try:
        yield
    finally:
        provider.shutdown()
