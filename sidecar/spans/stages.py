"""All stages there are, each made from the configuration."""

from collections.abc import Callable

from sidecar.spans.config import SpansConfig
from sidecar.spans.database import database_metrics
from sidecar.spans.errors import ErrorCounts
from sidecar.spans.http_server import http_server_metrics
from sidecar.spans.latency import dependency_latency, endpoint_latency
from sidecar.spans.pipeline import Stage
from sidecar.spans.red import span_metrics

STAGES: tuple[Callable[[SpansConfig], Stage], ...] = (
    span_metrics,
    http_server_metrics,
    database_metrics,
    endpoint_latency,
    dependency_latency,
    ErrorCounts,
)
