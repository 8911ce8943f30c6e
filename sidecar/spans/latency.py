"""Percentiles of durations over the last minutes, per endpoint and per dependency."""

from collections.abc import Generator, Iterator, Mapping
from functools import partial
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.derive.series import Floats, PartNames, Rows, SeriesTable
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.model.steps import Steps, step
from sidecar.sketch.exponential import HistogramSet
from sidecar.sketch.window import SlidingHistograms, Window
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.rows import LabelsOf, ShapeRows
from sidecar.spans.shape import CALLED, SERVED, ObservedSpans, SpanShape
from sidecar.spans.stage import PART_SAMPLES, overflowed

T = TypeVar("T")

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
WINDOWS = {"1m": Window(60, 6), "5m": Window(300, 10), "1h": Window(3600, 12), "24h": Window(86_400, 24)}
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


COARSENED = Family(
    "sidecar_latency_coarsened_total",
    MetricType.COUNTER,
    "Times that percentiles got wider buckets than promised, because too many different durations were in memory.",
    ("metric",),
)


class LatencyQuantiles:
    """Stage that keeps the durations of some spans in sliding windows, by time of receipt."""

    def __init__(self, family: Family, labels_of_shape: LabelsOf, config: SpansConfig, budget: Budget) -> None:
        self._family = family
        self._table = SeriesTable("service", config.limits(len(WINDOWS) * len(QUANTILES)), budget)
        budget.take(1)  # what counts the coarsened
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._windows = SlidingHistograms(WINDOWS)
        self._labels: dict[tuple[int, str], list[Labels]] = {}
        self._part_names = PartNames()

    def feed(self, spans: ObservedSpans) -> None:
        """Add the durations of a batch."""
        places, rows = self._rows.of(spans)
        if len(places):
            histograms = HistogramSet.of(
                self._table.ids[rows], spans.durations_seconds[places], spans.weights_at(places)
            )
            self._windows.add(spans.received_at, histograms)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the percentiles of the windows that end at `now`; series without recent spans are absent."""
        if self._rows.expire(now) is not None:
            self._labels.clear()
        ids = self._table.ids[: len(self._table.labels)]
        for window in WINDOWS:
            steps = self._windows.read(window, now)
            histograms = yield from self._with_nothing_meanwhile(steps)
            found, values = histograms.quantiles(QUANTILES)
            shown = np.isin(found, ids)
            rows = np.searchsorted(ids, found[shown])
            yield from self._percentiles(window, rows, values[shown])
        name = self._family.name
        yield FamilySamples(COARSENED, [Sample(COARSENED.name, (("metric", name),), self._windows.coarsened)])
        yield overflowed(name, self._table.overflowed)

    def _with_nothing_meanwhile(self, steps: Steps[T]) -> Generator[FamilySamples, None, T]:
        """Take `steps`, each as a part without samples, and return what they give."""
        while (end := step(steps)) is None:
            yield FamilySamples(self._family, ())
        return end.value

    def _percentiles(self, window: str, rows: Rows, values: Floats) -> Iterator[FamilySamples]:
        """Yield `values` of `rows` in parts, each of the same rows as before where neither comes nor goes any."""
        ends = np.searchsorted(rows, np.arange(0, len(self._table.labels) + _PART_ROWS, _PART_ROWS)).tolist()
        for place, (first, last) in enumerate(pairwise(ends)):
            part = rows[first:last]
            series = self._part_names.of((window, place), self._table.ids[part], partial(self._names_of, part, window))
            yield FamilySamples(self._family, SampleColumns(series, values[first:last].ravel()))

    def _names_of(self, rows: Rows, window: str) -> SeriesNames:
        labels = [*chain.from_iterable(self._series_of(row, window) for row in rows.tolist())]
        return SeriesNames([self._family.name] * len(labels), labels)

    def _series_of(self, row: int, window: str) -> list[Labels]:
        series = self._labels.get((row, window))
        if series is None:
            labels = self._table.labels[row]
            series = [tuple(sorted((*labels, ("window", window), pair))) for pair in _QUANTILE_LABELS]
            self._labels[row, window] = series
        return series


def endpoint_latency(context: StageContext) -> LatencyQuantiles:
    """Return the stage for what the service serves: server and consumer spans."""
    return LatencyQuantiles(ENDPOINT_LATENCY, endpoint_labels, context.config, context.budget)


def dependency_latency(context: StageContext) -> LatencyQuantiles:
    """Return the stage for what the service calls: client and producer spans."""
    return LatencyQuantiles(DEPENDENCY_LATENCY, _dependency_labels, context.config, context.budget)


def endpoint_labels(shape: SpanShape) -> Mapping[str, str] | None:
    """Return what tells endpoints apart; None for what is not served."""
    return {"method": shape.method, "route": shape.route} if shape.kind in SERVED else None


def _dependency_labels(shape: SpanShape) -> Mapping[str, str] | None:
    return {"span_name": shape.name} if shape.kind in CALLED else None
