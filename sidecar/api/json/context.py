"""What a resource of the JSON API may be made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sidecar.api.json.trace_links import TraceLinks
from sidecar.model.labels import Labels
from sidecar.rules.history import AlertHistory
from sidecar.runtime.clock import Clock
from sidecar.spans.insights import Insights
from sidecar.spans.traces.store import TraceStore


class LatestValues(Protocol):
    """The series as they are now."""

    def latest(self, labels: Mapping[str, str], /) -> Iterable[tuple[Labels, float]]:
        """Return the series with these labels, `__name__` among them, and their last value; none that ended."""
        ...


@dataclass(frozen=True, slots=True)
class ResourceContext:
    """The stores that resources read, and the clock."""

    values: LatestValues
    insights: Insights
    traces: TraceStore
    alerts: AlertHistory
    clock: Clock

    @property
    def links(self) -> TraceLinks:
        """Links to the traces that are kept."""
        return TraceLinks(self.traces)
