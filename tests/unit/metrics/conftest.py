"""Requests into a store, and what it shows then."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.store import MetricStore
from sidecar.metrics.told import Conflict
from sidecar.model.family import FamilySamples
from sidecar.model.redact import Redact, unmasked
from sidecar.model.refusals import RefusalSum
from tests.unit.collect.scraping import values_of

BEGIN = 1_700_000_000 * 10**9
"""What small times of data points in tests are counted from, in nanoseconds."""
NOW = BEGIN / 1e9 + 1000


def attributes(**values: str) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]


def gauge(name: str, value: float = 1.0, time: int = 1, **labels: str) -> Metric:
    point = NumberDataPoint(as_double=value, time_unix_nano=time, attributes=attributes(**labels))
    return Metric(name=name, gauge=Gauge(data_points=[point]))


def counter(name: str, value: float = 1.0, time: int = 1, temporality: int = 2) -> Metric:
    point = NumberDataPoint(as_double=value, time_unix_nano=time)
    return Metric(
        name=name,
        sum=Sum(data_points=[point], is_monotonic=True, aggregation_temporality=temporality),  # type: ignore[arg-type]
    )


def request_of(*metrics: Metric, **resource: str) -> ExportMetricsServiceRequest:
    """Return a request of one resource; `service_name` becomes `service.name` and so on."""
    named = {key.replace("_", "."): value for key, value in resource.items()}
    of_resource = ResourceMetrics(
        resource=Resource(attributes=attributes(**named)), scope_metrics=[ScopeMetrics(metrics=metrics)]
    )
    return ExportMetricsServiceRequest(resource_metrics=[of_resource])


def _moved(request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest:
    """Return `request` with small times as nanoseconds after BEGIN."""
    moved = ExportMetricsServiceRequest.FromString(request.SerializeToString())
    for metric in (each for of in moved.resource_metrics for scope in of.scope_metrics for each in scope.metrics):
        data: Any = getattr(metric, metric.WhichOneof("data") or "gauge")
        for point in data.data_points:
            if 0 < point.time_unix_nano < BEGIN // 1000:
                point.time_unix_nano += BEGIN
    return moved


class Received:
    """A store and what was told about it."""

    def __init__(self, redact: Redact = unmasked, **settings: Any) -> None:
        self.told: list[Conflict] = []
        self.ahead_seconds = 0.0
        self.store = MetricStore(
            OtlpMetricsConfig(**settings), self.told.append, redact, lambda at: at + self.ahead_seconds
        )
        self.taken: Sequence[str] = ()
        self._requests = 0

    def receive(self, request: ExportMetricsServiceRequest, now: float = NOW) -> int:
        """Return how many data points were dropped."""
        return int(self.told_to_sender(request, now).count)

    def told_to_sender(self, request: ExportMetricsServiceRequest, now: float = NOW) -> RefusalSum:
        """Return what was refused and why; each request comes a little after the one before."""
        self._requests += 1
        found = RefusalSum()
        for batch in MetricBatches(_moved(request).SerializeToString(), now + self._requests * 1e-6):
            found.add(self.store.accept(batch))
        return found

    def all(self, now: float = NOW) -> list[FamilySamples]:
        return list(self.store.families(now, self.taken))

    def shown(self, now: float = NOW) -> dict[str, float]:
        """Return the samples by name and labels, without those about the store."""
        return values_of(item for item in self.all(now) if not item.family.name.startswith("sidecar_"))

    def dropped(self) -> dict[str, float]:
        """Return how many data points were dropped by reason, if any."""
        (found,) = [item for item in self.all(0.0) if item.family.name == "sidecar_otlp_metrics_dropped_total"]
        return {sample.labels[0][1]: sample.value for sample in found.samples if sample.value}


@pytest.fixture
def received() -> Received:
    return Received()
