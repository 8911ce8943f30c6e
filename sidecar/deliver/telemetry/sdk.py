"""The OpenTelemetry SDK, set up by our configuration alone.

This module is imported only where telemetry is configured: it costs a quarter of a second and several megabytes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import Lock

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry

from sidecar import __version__
from sidecar.deliver.telemetry.batches import BoundedBatches
from sidecar.deliver.telemetry.bridge import MetricSource, metrics_data, points_in
from sidecar.deliver.telemetry.config import Protocol, TelemetryConfig
from sidecar.deliver.telemetry.spans import SdkTracing
from sidecar.deliver.telemetry.tally import Tallies, Tally
from sidecar.model.errors import OperatorError
from sidecar.model.steps import Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.regular_file import open_regular

SCOPE = "sidecar"

_MODULES: Mapping[Protocol, str] = {"http/protobuf": "over_http", "grpc": "over_grpc"}
"""Which module has the exporters; only the one that is needed is imported."""


class Traces:
    """Spans by the SDK. Making one starts a thread."""

    def __init__(self, exporter: SpanExporter, config: TelemetryConfig, resource: Resource, tally: Tally) -> None:
        self._batches = BoundedBatches(exporter, config, tally)
        self._provider = TracerProvider(TraceIdRatioBased(config.sampling_ratio), resource, shutdown_on_exit=False)
        self._provider.add_span_processor(self._batches)
        tally.watch(lambda: len(self._batches))

    def tracing(self, clock: Clock) -> SdkTracing:
        """Return what makes the spans."""
        return SdkTracing(self._provider.get_tracer(SCOPE, __version__), clock)

    def close(self) -> None:
        """Send what waits; blocks as long as that takes."""
        self._provider.shutdown()

    def give_up(self) -> None:
        """Make a `close` that goes on end soon; what waits is lost and counted."""
        self._batches.give_up()


class Metrics:
    """Our own metrics by the SDK's exporter."""

    def __init__(self, exporter: MetricExporter, source: MetricSource, tally: Tally) -> None:
        self._exporter = exporter
        self._source = source
        self._tally = tally
        self._one_by_one = Lock()  # one that was given up at the end may still go on

    def read(self, registry: CollectorRegistry, now: float) -> Steps[MetricsData]:
        """Return what `registry` holds; where nothing else changes it meanwhile, so on the event loop."""
        return metrics_data(registry.collect(), self._source, now)

    def export(self, data: MetricsData) -> None:
        """Send `data`; blocks as long as that takes."""
        with self._one_by_one:
            self._tally.export(points_in(data), lambda: self._exporter.export(data) is MetricExportResult.SUCCESS)

    def give_up(self) -> None:
        """Make an `export` that goes on end soon."""
        self._exporter.shutdown()


@dataclass(frozen=True, slots=True)
class Sdk:
    """What is to be sent; None is what is turned off."""

    traces: Traces | None
    metrics: Metrics | None


def open_sdk(config: TelemetryConfig, attributes: Mapping[str, str], started_at: float, tallies: Tallies) -> Sdk:
    """Return the SDK for `config`, which has an endpoint; reads files, so it blocks. Nothing is sent yet.

    `attributes` are those of the resource, `started_at` is when our counters began, Unix time: not when telemetry was
    turned on. Raises OperatorError when the file of certificates cannot be read.
    """
    if config.ca_file is not None:
        _check_readable(config.ca_file)
    traces, metrics = None, None
    with _without_variables_of_the_app():
        resource = Resource.create(attributes)
        over = import_module(f"sidecar.deliver.telemetry.{_MODULES[config.protocol]}")
        if tallies.traces is not None:
            traces = Traces(over.span_exporter(config, tallies.traces.redirected), config, resource, tallies.traces)
        if tallies.metrics is not None:
            source = MetricSource(resource, InstrumentationScope(SCOPE, __version__), started_at)
            metrics = Metrics(over.metric_exporter(config, tallies.metrics.redirected), source, tallies.metrics)
    return Sdk(traces, metrics)


def _check_readable(ca_file: str) -> None:
    try:
        open_regular(ca_file).close()
    except OSError as error:
        raise OperatorError(f"telemetry: `ca_file` `{ca_file}` cannot be read: {error.strerror}") from error


@contextmanager
def _without_variables_of_the_app() -> Iterator[None]:
    """Hide the variables `OTEL_*` while the SDK is set up.

    It heeds them on its own, credentials included, and in a pod they say how the app sends its telemetry.
    """
    hidden = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
