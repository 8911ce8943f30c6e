"""Received OTLP metrics beside what the sidecar shows itself."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.store import MetricStore
from sidecar.metrics.told import Conflict
from sidecar.model.family import MetricType, sample_names
from sidecar.model.redact import Redact
from sidecar.runtime.events import Event, Events


@dataclass(frozen=True, slots=True)
class OtlpMetricConflict(Event):
    """A received metric is not shown as it was sent: points are dropped, or overwrite others; told once an hour."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "OTLP metrics: `{family}` {problem}."
    family: str
    problem: str

    @override
    def key(self) -> str:
        """Return family and problem."""
        return f"{self.family} {self.problem}"


def received_metrics(config: OtlpMetricsConfig, events: Events, redact: Redact) -> MetricStore:
    """Return a store that tells its conflicts as events and masks what attributes say."""

    def tell(conflict: Conflict) -> None:
        events.emit(OtlpMetricConflict(conflict.family, conflict.problem))

    return MetricStore(config, tell, redact)


def names_of(types: Mapping[str, MetricType]) -> Collection[str]:
    """Return every name that a sample of these families may have."""
    return frozenset[str]().union(*(sample_names(name, kind) for name, kind in types.items()))
