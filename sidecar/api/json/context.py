"""What a resource of the JSON API may be made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sidecar.api.json.trace_links import TraceLinks
from sidecar.model.labels import Labels
from sidecar.rules.history import AlertHistory
from sidecar.rules.mutes.mutes import Mutes
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
    """The stores that resources read, a clock that is never set, and Unix time by the clock on the wall."""

    values: LatestValues
    insights: Insights
    traces: TraceStore
    alerts: AlertHistory
    mutes: Mutes
    clock: Clock
    wall: Callable[[], float]

    @property
    def links(self) -> TraceLinks:
        """Links to the traces that are kept."""
        return TraceLinks(self.traces)
