"""A counter and an explicit histogram of durations over some of the spans: the RED part of most span metrics."""

from collections.abc import Iterator, Sequence
from itertools import chain, cycle
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels
from sidecar.spans.config import SpansConfig
from sidecar.spans.series import (
    OVERFLOWED,
    PART_SAMPLES,
    Budget,
    LabelsOf,
    Limits,
    Rows,
    SeriesTable,
    ShapeRows,
    overflowed,
)
from sidecar.spans.shape import ObservedSpans


class CountAndDurations(NamedTuple):
    """The two families of a stage, and the label that holds the service."""

    calls: Family
    durations: Family
    service_label: str


class DurationMetrics:
    """Stage that counts and times the spans that `labels_of_shape` has labels for, added to the service's."""

    def __init__(
        self, families: CountAndDurations, labels_of_shape: LabelsOf, config: SpansConfig, budget: Budget
    ) -> None:
        self._count, self._durations, service_label = families
        self._bounds = np.array(config.buckets_seconds)
        bounds = [f"{bound:.15g}" for bound in config.buckets_seconds] + ["+Inf"]
        self._bounds_labels = [("le", bound) for bound in bounds]
        name = self._durations.name
        self._names = [f"{name}_bucket"] * len(bounds) + [f"{name}_sum", f"{name}_count"]
        limits = Limits(config.max_services, config.max_series_per_service, 1 + len(self._names))
        self._table = SeriesTable(service_label, limits, budget)
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._counts = np.zeros((0, len(bounds)), np.int64)
        self._sums = np.zeros(0)
        self._labels: list[list[Labels]] = []

    def feed(self, spans: ObservedSpans) -> None:
        """Count the spans of a batch."""
        rows: Rows = self._rows.of(spans)
        self._grow()
        ours = rows >= 0
        rows, durations = rows[ours], spans.durations_seconds[ours]
        # side="left": a bucket holds what is less than or equal to its bound
        np.add.at(self._counts, (rows, np.searchsorted(self._bounds, durations, side="left")), 1)
        np.add.at(self._sums, rows, durations)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield both families in parts, all of this moment, and how much went to overflow series, shown yet or not.

        `now` does not matter.
        """
        lost = float(self._counts[self._table.overflow_rows].sum()) if self._table.overflow_rows else 0.0
        number = self._table.show()
        cumulated = np.cumsum(self._counts[:number], axis=1, dtype=np.float64)
        totals = cumulated[:, -1]
        columns = np.column_stack([cumulated, self._sums[:number], totals])
        yield from self._counted(totals.tolist())
        yield from self._timed(columns)
        yield FamilySamples(OVERFLOWED, [overflowed(self._count.name, lost)])

    def _counted(self, totals: Sequence[float]) -> Iterator[FamilySamples]:
        for first in range(0, max(len(totals), 1), PART_SAMPLES):
            pairs = zip(self._table.labels[first : first + PART_SAMPLES], totals[first:], strict=False)
            yield FamilySamples(self._count, [Sample(self._count.name, labels, value) for labels, value in pairs])

    def _timed(self, columns: NDArray[np.float64]) -> Iterator[FamilySamples]:
        rows = max(PART_SAMPLES // len(self._names), 1)
        for first in range(0, max(len(columns), 1), rows):
            values = columns[first : first + rows]
            labels = [self._labels_of(row) for row in range(first, first + len(values))]
            series = zip(cycle(self._names), chain.from_iterable(labels), values.ravel().tolist(), strict=False)
            yield FamilySamples(self._durations, [*map(Sample._make, series)])

    def _labels_of(self, row: int) -> list[Labels]:
        """Return the labels of the samples of a row of the histogram; rows are asked for in their order at first."""
        if row == len(self._labels):
            labels = self._table.labels[row]
            # pairs are shared between the series of a row, which halves what its labels take
            buckets = [tuple(sorted((*labels, bound))) for bound in self._bounds_labels]
            self._labels.append([*buckets, labels, labels])
        return self._labels[row]

    def _grow(self) -> None:
        """Make room for the series that were added to the table."""
        number = len(self._table.labels)
        if number > len(self._sums):
            room = max(64, 2 * number) - len(self._sums)
            self._counts = np.concatenate([self._counts, np.zeros((room, self._counts.shape[1]), np.int64)])
            self._sums = np.concatenate([self._sums, np.zeros(room)])
