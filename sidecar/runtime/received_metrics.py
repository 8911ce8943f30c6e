"""Received OTLP metrics beside what the sidecar shows itself."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.store import MetricStore
from sidecar.metrics.told import Conflict
from sidecar.model.family import FamilySamples, MetricType, sample_names
from sidecar.model.redact import Redact
from sidecar.runtime.events import Event, Events
from sidecar.runtime.pages import Pages

SOURCE = "otlp_metrics"
"""The name of what is received, on /metrics and in the head."""


@dataclass(frozen=True, slots=True)
class OtlpMetricConflict(Event):
    """A received metric is not shown as it was sent: points are dropped, or overwrite others; told once an hour."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "OTLP metrics: `{family}` {problem}."
    identity: ClassVar[tuple[str, ...]] = ("family", "problem")
    family: str
    problem: str


def received_metrics(
    config: OtlpMetricsConfig, events: Events, redact: Redact, wall: Callable[[float], float] = float
) -> MetricStore:
    """Return a store that tells its conflicts as events and masks what attributes say."""

    def tell(conflict: Conflict) -> None:
        events.emit(OtlpMetricConflict(conflict.family, conflict.problem))

    return MetricStore(config, tell, redact, wall)


class ShownMetrics:
    """The families of `store` for `pages`: names that another source has there stay its own."""

    def __init__(self, store: MetricStore, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    def families(self, now: float) -> Iterable[FamilySamples]:
        """Yield the families as they are at Unix time `now`, in parts."""
        return self._store.families(now, names_of(self._pages.types(SOURCE)))


def names_of(types: Mapping[str, MetricType]) -> Collection[str]:
    """Return every name that a sample of these families may have."""
    return frozenset[str]().union(*(sample_names(name, kind) for name, kind in types.items()))
