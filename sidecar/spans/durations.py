"""A counter and an explicit histogram of durations over some of the spans: the RED part of most span metrics."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.exposition import format_float
from sidecar.derive.limits import Budget
from sidecar.derive.series import PartNames, SeriesTable, grown
from sidecar.model.family import ExemplifiedSamples, Family, FamilySamples
from sidecar.model.labels import Labels
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.spans.config import SpansConfig
from sidecar.spans.exemplars import Exemplars
from sidecar.spans.rows import LabelsOf, ShapeRows
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.stage import PART_SAMPLES, overflowed

HTTP_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""OpenTelemetry's bounds for HTTP and messaging, in seconds."""


class CountAndDurations(NamedTuple):
    """The two families of a stage, and the label that holds the service.

    `calls` is None where the count of the histogram is all there is. `bounds` are those of the histogram where the
    configuration has none, in its own unit, of which `unit_per_second` are a second.
    """

    calls: Family | None
    durations: Family
    service_label: str
    bounds: tuple[float, ...] = HTTP_BOUNDS
    unit_per_second: float = 1.0


class DurationMetrics:
    """Stage that counts and times the spans that `labels_of_shape` has labels for, added to the service's."""

    def __init__(
        self, families: CountAndDurations, labels_of_shape: LabelsOf, config: SpansConfig, budget: Budget
    ) -> None:
        self._calls, self._durations, service_label, own_bounds, self._unit_per_second = families
        bounds = own_bounds
        if config.buckets_seconds is not None:
            bounds = tuple(bound * self._unit_per_second for bound in config.buckets_seconds)
        # compared in seconds: a duration of exactly a bound is then the same number as the bound
        self._bounds = np.array(bounds) / self._unit_per_second
        texts = [format_float(float(f"{bound:.15g}")) for bound in bounds] + ["+Inf"]
        self._bounds_labels = [("le", bound) for bound in texts]
        self._buckets = len(texts)
        name = self._durations.name
        self._names = [f"{name}_bucket"] * self._buckets + [f"{name}_sum", f"{name}_count"]
        samples_per_series = len(self._names) + (self._calls is not None)
        self._table = SeriesTable(service_label, config.limits(samples_per_series), budget)
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._exemplars = Exemplars(self._buckets, self._unit_per_second)
        self._counts = np.zeros((0, self._buckets))
        self._sums = np.zeros(0)
        self._part_names = PartNames()

    def feed(self, spans: ObservedSpans) -> None:
        """Count the spans of a batch."""
        places, rows = self._rows.of(spans)
        if not len(places):
            return
        if len(self._table.labels) > len(self._sums):
            self._make_room(len(self._table.labels))
        durations, weights = spans.durations_seconds[places], spans.weights_at(places)
        # side="left": a bucket holds what is less than or equal to its bound
        cells = rows * self._buckets + self._bounds.searchsorted(durations, side="left")
        np.add.at(self._counts.reshape(-1), cells, 1.0 if weights is None else weights)
        np.add.at(self._sums, rows, durations if weights is None else durations * weights)
        self._exemplars.note(cells, places, spans)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield both families in parts, all of this moment, and how much went to overflow series, shown yet or not.

        `now` is when series may have expired.
        """
        self._expire(now)
        number = len(self._table.labels)
        cumulated = np.cumsum(self._counts[:number], axis=1)
        totals = cumulated[:, -1]
        columns = np.column_stack([cumulated, self._sums[:number] * self._unit_per_second, totals])
        if self._calls is not None:
            yield from self._counted(self._calls, totals)
        yield from self._timed(columns)
        name = (self._calls or self._durations).name
        yield overflowed(name, self._table.overflowed)

    def _timed(self, columns: NDArray[np.float64]) -> Iterator[FamilySamples]:
        width = len(self._names)
        rows = max(PART_SAMPLES // width, 1)
        for first in range(0, max(len(columns), 1), rows):
            values = columns[first : first + rows]
            last = first + len(values)
            series = self._part_names.of(first, self._table.ids[first:last], partial(self._names_of, first, last))
            exemplars = self._exemplars.of_rows(first, last, width)
            yield ExemplifiedSamples.of(self._durations, SampleColumns(series, values.ravel()), exemplars)

    def _counted(self, family: Family, totals: NDArray[np.float64]) -> Iterator[FamilySamples]:
        for first in range(0, max(len(totals), 1), PART_SAMPLES):
            values = totals[first : first + PART_SAMPLES]
            last = first + len(values)
            labels = self._table.labels[first:last]
            names = partial(SeriesNames, [family.name] * len(labels), labels)
            series = self._part_names.of((family, first), self._table.ids[first:last], names)
            yield FamilySamples(family, SampleColumns(series, values))

    def _names_of(self, first: int, last: int) -> SeriesNames:
        """Return the series of the histogram's rows from `first` to before `last`."""
        labels = [self._labels_of(row) for row in self._table.labels[first:last]]
        return SeriesNames(self._names * len(labels), chain.from_iterable(labels))

    def _labels_of(self, labels: Labels) -> list[Labels]:
        """Return the labels of the samples of a row; their pairs are shared, which halves what they take."""
        return [*(tuple(sorted((*labels, bound))) for bound in self._bounds_labels), labels, labels]

    def _make_room(self, rows: int) -> None:
        self._counts = grown(self._counts, rows)
        self._sums = grown(self._sums, rows)
        self._exemplars.make_room(rows)

    def _expire(self, now: float) -> None:
        kept = self._rows.expire(now)
        if kept is not None:
            self._counts, self._sums = self._counts[kept], self._sums[kept]
            self._exemplars.keep(kept)
