"""The SDK's exporters by gRPC."""

from collections.abc import Callable
from typing import Any

from grpc import Compression, ssl_channel_credentials
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.runtime.regular_file import read_regular


def span_exporter(config: TelemetryConfig, _redirected: Callable[[], None]) -> SpanExporter:
    """Return an exporter of spans to the endpoint of `config`; gRPC knows no redirects."""
    return OTLPSpanExporter(**_options(config))


def metric_exporter(config: TelemetryConfig, _redirected: Callable[[], None]) -> MetricExporter:
    """Return an exporter of metrics to the endpoint of `config`; gRPC knows no redirects."""
    return OTLPMetricExporter(**_options(config))


def _options(config: TelemetryConfig) -> dict[str, Any]:
    assert config.endpoint is not None
    insecure = config.endpoint.startswith("http://")
    roots = read_regular(config.ca_file) if config.ca_file is not None else None
    return {
        "endpoint": config.endpoint,
        "insecure": insecure,
        "credentials": None if insecure else ssl_channel_credentials(roots),
        "headers": {name.lower(): value.get_secret_value() for name, value in config.headers.items()},
        "timeout": config.timeout_seconds,
        "compression": Compression.Gzip,
        "channel_options": (("grpc.enable_http_proxy", 0),),  # as everywhere here: no proxies of the environment
    }
