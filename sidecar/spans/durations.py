"""A counter and an explicit histogram of durations over some of the spans: the RED part of most span metrics."""

from collections.abc import Sequence
from itertools import chain, cycle

import numpy as np

from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels
from sidecar.spans.config import SpansConfig
from sidecar.spans.series import OVERFLOWED, LabelsOf, Limits, Rows, SeriesTable, ShapeRows, overflowed
from sidecar.spans.shape import ObservedSpans


class DurationMetrics:
    """Stage that counts and times the spans that `labels_of_shape` has labels for, added to `service_label`."""

    def __init__(
        self, count: Family, durations: Family, service_label: str, labels_of_shape: LabelsOf, config: SpansConfig
    ) -> None:
        self._count = count
        self._durations = durations
        self._bounds = np.array(config.buckets_seconds)
        self._table = SeriesTable(service_label, Limits(config.max_services, config.max_series_per_service))
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._counts = np.zeros((0, len(self._bounds) + 1), np.int64)
        self._sums = np.zeros(0)
        bounds = [f"{bound:.15g}" for bound in config.buckets_seconds] + ["+Inf"]
        self._bounds_labels = [("le", bound) for bound in bounds]
        name = durations.name
        self._names = [f"{name}_bucket"] * len(bounds) + [f"{name}_sum", f"{name}_count"]
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

    def samples(self, now: float) -> Sequence[FamilySamples]:
        """Return both families and how much went to overflow series; `now` does not matter."""
        number = len(self._table.labels)
        cumulated = np.cumsum(self._counts[:number], axis=1, dtype=np.float64)
        totals = cumulated[:, -1]
        columns = np.column_stack([cumulated, self._sums[:number], totals])
        series = zip(cycle(self._names), chain.from_iterable(self._labels), columns.ravel().tolist(), strict=False)
        counts = [
            Sample(self._count.name, labels, value)
            for labels, value in zip(self._table.labels, totals.tolist(), strict=True)
        ]
        lost = float(totals[self._table.overflow_rows].sum()) if self._table.overflow_rows else 0.0
        return (
            FamilySamples(self._count, counts),
            FamilySamples(self._durations, [*map(Sample._make, series)]),
            FamilySamples(OVERFLOWED, [overflowed(self._count.name, lost)]),
        )

    def _grow(self) -> None:
        """Make room for the series that were added to the table."""
        number = len(self._table.labels)
        for labels in self._table.labels[len(self._labels) :]:
            # pairs are shared between the series of a row, which halves what its labels take
            buckets = [tuple(sorted((*labels, bound))) for bound in self._bounds_labels]
            self._labels.append([*buckets, labels, labels])
        if number > len(self._sums):
            room = max(64, 2 * number) - len(self._sums)
            self._counts = np.concatenate([self._counts, np.zeros((room, self._counts.shape[1]), np.int64)])
            self._sums = np.concatenate([self._sums, np.zeros(room)])
