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
from sidecar.metrics.families import Conflict
from sidecar.metrics.store import MetricStore
from sidecar.model.family import FamilySamples
from sidecar.model.redact import Redact, unmasked
from tests.unit.collect.scraping import values_of

NOW = 1000.0


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


class Received:
    """A store and what was told about it."""

    def __init__(self, redact: Redact = unmasked, **settings: Any) -> None:
        self.told: list[Conflict] = []
        self.store = MetricStore(OtlpMetricsConfig(**settings), self.told.append, redact)
        self.taken: Sequence[str] = ()

    def receive(self, request: ExportMetricsServiceRequest, now: float = NOW) -> int:
        """Return how many data points were dropped."""
        return sum(self.store.accept(batch) for batch in MetricBatches(request.SerializeToString(), now))

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
