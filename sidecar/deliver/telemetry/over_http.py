"""The SDK's exporters by HTTP."""

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter
from requests import Session

from sidecar.deliver.telemetry.config import TelemetryConfig


def span_exporter(config: TelemetryConfig) -> SpanExporter:
    """Return an exporter of spans to the endpoint of `config`."""
    return OTLPSpanExporter(
        f"{config.endpoint}/v1/traces",
        certificate_file=config.ca_file,
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip,
        session=_session(),
    )


def metric_exporter(config: TelemetryConfig) -> MetricExporter:
    """Return an exporter of metrics to the endpoint of `config`."""
    return OTLPMetricExporter(
        f"{config.endpoint}/v1/metrics",
        certificate_file=config.ca_file,
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip,
        session=_session(),
    )


def _headers(config: TelemetryConfig) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in config.headers.items()}


def _session() -> Session:
    """Return a session without the proxies and the passwords (.netrc) of the environment."""
    session = Session()
    session.trust_env = False
    return session
