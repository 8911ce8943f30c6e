"""Percentiles of durations over the last minutes, per endpoint and per dependency."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels
from sidecar.model.span import SpanKind
from sidecar.sketch.exponential import HistogramSet
from sidecar.sketch.window import SlidingHistograms
from sidecar.spans.config import SpansConfig
from sidecar.spans.series import OVERFLOWED, PART_SAMPLES, Budget, LabelsOf, Limits, SeriesTable, ShapeRows, overflowed
from sidecar.spans.shape import ObservedSpans, SpanShape

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
WINDOWS = {"1m": (60.0, 6), "5m": (300.0, 10), "1h": (3600.0, 12)}
"""Windows by their label: seconds, and the number of slices."""
_PART_ROWS = PART_SAMPLES // len(QUANTILES)
_QUANTILE_LABELS = [("quantile", str(ratio)) for ratio in QUANTILES]

ENDPOINT_LATENCY = Family(
    "sidecar_endpoint_latency_seconds",
    MetricType.SUMMARY,
    "Percentiles of how long an endpoint took to answer over the window before now, within 1.1 %.",
    ("service", "method", "route", "window", "quantile"),
)
DEPENDENCY_LATENCY = Family(
    "sidecar_dependency_latency_seconds",
    MetricType.SUMMARY,
    "Percentiles of how long calls to other services took over the window before now, within 1.1 %.",
    ("service", "span_name", "window", "quantile"),
)


class LatencyQuantiles:
    """Stage that keeps the durations of some spans in sliding windows, by time of receipt."""

    def __init__(self, family: Family, labels_of_shape: LabelsOf, config: SpansConfig, budget: Budget) -> None:
        self._family = family
        limits = Limits(config.max_services, config.max_series_per_service, len(WINDOWS) * len(QUANTILES))
        self._table = SeriesTable("service", limits, budget)
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._windows = {label: SlidingHistograms(*size) for label, size in WINDOWS.items()}
        self._labels: dict[tuple[int, str], list[Labels]] = {}
        self._overflowed = 0

    def feed(self, spans: ObservedSpans) -> None:
        """Add the durations of a batch to every window."""
        rows = self._rows.of(spans)
        ours = rows >= 0
        rows = rows[ours]
        histograms = HistogramSet.of(rows, spans.durations_seconds[ours])
        for window in self._windows.values():
            window.add(spans.received_at, histograms)
        if self._table.overflow_rows:
            self._overflowed += sum(int((rows == row).sum()) for row in self._table.overflow_rows)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the percentiles of the windows that end at `now`; series without recent spans are absent."""
        shown = self._table.show()
        for label, window in self._windows.items():
            rows, values = window.read(now).quantiles(QUANTILES)
            known = np.searchsorted(rows, shown)
            yield FamilySamples(self._family, ())
            for first in range(0, int(known), _PART_ROWS):
                part = slice(first, min(first + _PART_ROWS, known))
                pairs = zip(rows[part].tolist(), values[part].tolist(), strict=True)
                yield FamilySamples(
                    self._family, [item for row, found in pairs for item in self._of(row, label, found)]
                )
        yield FamilySamples(OVERFLOWED, [overflowed(self._family.name, self._overflowed)])

    def _of(self, row: int, window: str, quantiles: Sequence[float]) -> list[Sample]:
        series = zip(self._series_of(row, window), quantiles, strict=True)
        return [Sample(self._family.name, labels, value) for labels, value in series]

    def _series_of(self, row: int, window: str) -> list[Labels]:
        series = self._labels.get((row, window))
        if series is None:
            labels = self._table.labels[row]
            series = [tuple(sorted((*labels, ("window", window), pair))) for pair in _QUANTILE_LABELS]
            self._labels[row, window] = series
        return series


def endpoint_latency(config: SpansConfig, budget: Budget) -> LatencyQuantiles:
    """Return the stage for what the service serves: server and consumer spans."""
    return LatencyQuantiles(ENDPOINT_LATENCY, _endpoint_labels, config, budget)


def dependency_latency(config: SpansConfig, budget: Budget) -> LatencyQuantiles:
    """Return the stage for what the service calls: client and producer spans."""
    return LatencyQuantiles(DEPENDENCY_LATENCY, _dependency_labels, config, budget)


def _endpoint_labels(shape: SpanShape) -> Mapping[str, str] | None:
    if shape.kind not in (SpanKind.SERVER, SpanKind.CONSUMER):
        return None
    if shape.http is None:
        return {"route": shape.name}
    return {"method": shape.http.method, "route": shape.http.route}


def _dependency_labels(shape: SpanShape) -> Mapping[str, str] | None:
    return {"span_name": shape.name} if shape.kind in (SpanKind.CLIENT, SpanKind.PRODUCER) else None
