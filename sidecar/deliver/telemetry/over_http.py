"""The SDK's exporters by HTTP."""

from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.telemetry.session import OwnServerSession


def span_exporter(config: TelemetryConfig, redirected: Callable[[], None]) -> SpanExporter:
    """Return an exporter of spans to the endpoint of `config`; it calls `redirected` when it follows a redirect."""
    return OTLPSpanExporter(
        f"{config.endpoint}/v1/traces",
        certificate_file=config.ca_file,
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip,
        session=OwnServerSession(redirected),
    )


def metric_exporter(config: TelemetryConfig, redirected: Callable[[], None]) -> MetricExporter:
    """Return an exporter of metrics to the endpoint of `config`; it calls `redirected` when it follows a redirect."""
    return OTLPMetricExporter(
        f"{config.endpoint}/v1/metrics",
        certificate_file=config.ca_file,
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip,
        session=OwnServerSession(redirected),
    )


def _headers(config: TelemetryConfig) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in config.headers.items()}
