"""A histogram of durations with fixed bounds, for the rows of a table of series."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.exposition import format_float
from sidecar.derive.series import Floats, PartNames, Rows, SeriesTable, grown
from sidecar.model.family import ExemplifiedSamples, Family, FamilySamples
from sidecar.model.labels import Labels
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.spans.exemplars import Exemplars, Traced
from sidecar.spans.stage import PART_SAMPLES


class Histogram:
    """Buckets, sums and exemplars of each row of `table`; `samples_per_row` is how many samples a row is.

    `bounds` are in the unit of the family, of which `unit_per_second` are a second.
    """

    def __init__(self, family: Family, bounds: Sequence[float], unit_per_second: float = 1.0) -> None:
        self._family = family
        self._unit_per_second = unit_per_second
        # compared in seconds: a duration of exactly a bound is then the same number as the bound
        self._bounds = np.array(bounds) / unit_per_second
        texts = [format_float(float(f"{bound:.15g}")) for bound in bounds] + ["+Inf"]
        self._bounds_labels = [("le", bound) for bound in texts]
        self._buckets = len(texts)
        self._names = [f"{family.name}_bucket"] * self._buckets + [f"{family.name}_sum", f"{family.name}_count"]
        self.samples_per_row = len(self._names)
        self._exemplars = Exemplars(self._buckets, unit_per_second)
        self._counts = np.zeros((0, self._buckets))
        self._sums = np.zeros(0)
        self._part_names = PartNames()

    def make_room(self, rows: int) -> None:
        """Have room for that many rows."""
        if rows > len(self._sums):
            self._counts = grown(self._counts, rows)
            self._sums = grown(self._sums, rows)
            self._exemplars.make_room(rows)

    def add(self, rows: Rows, traced: Traced, weights: Floats | None) -> None:
        """Add the durations of spans to `rows`, each as often as its weight or once."""
        seconds = traced.seconds
        # side="left": a bucket holds what is less than or equal to its bound
        cells = rows * self._buckets + self._bounds.searchsorted(seconds, side="left")
        np.add.at(self._counts.reshape(-1), cells, 1.0 if weights is None else weights)
        np.add.at(self._sums, rows, seconds if weights is None else seconds * weights)
        self._exemplars.note(cells, traced)

    def columns(self, rows: int) -> NDArray[np.float64]:
        """Return the samples of the first rows as they are now, a line each, the count last."""
        cumulated = np.cumsum(self._counts[:rows], axis=1)
        return np.column_stack([cumulated, self._sums[:rows] * self._unit_per_second, cumulated[:, -1]])

    def samples(self, columns: NDArray[np.float64], table: SeriesTable) -> Iterator[FamilySamples]:
        """Yield what `columns` returned in parts, given the table that the rows are those of."""
        width = self.samples_per_row
        rows = max(PART_SAMPLES // width, 1)
        for first in range(0, max(len(columns), 1), rows):
            values = columns[first : first + rows]
            last = first + len(values)
            names = partial(self._names_of, table.labels[first:last])
            series = self._part_names.of(first, table.ids[first:last], names)
            exemplars = self._exemplars.of_rows(first, last, width)
            yield ExemplifiedSamples.of(self._family, SampleColumns(series, values.ravel()), exemplars)

    def keep(self, kept: Rows) -> None:
        """Keep the rows `kept`, which move up."""
        self._counts, self._sums = self._counts[kept], self._sums[kept]
        self._exemplars.keep(kept)

    def _names_of(self, rows: Sequence[Labels]) -> SeriesNames:
        """Return the series of rows with these labels."""
        return SeriesNames(self._names * len(rows), chain.from_iterable(map(self._labels_of, rows)))

    def _labels_of(self, labels: Labels) -> list[Labels]:
        """Return the labels of the samples of a row; their pairs are shared, which halves what they take."""
        return [*(tuple(sorted((*labels, bound))) for bound in self._bounds_labels), labels, labels]


def counted(family: Family, totals: Floats, table: SeriesTable, names: PartNames) -> Iterator[FamilySamples]:
    """Yield the totals of a counter in parts, given the table that the rows are those of."""
    for first in range(0, max(len(totals), 1), PART_SAMPLES):
        values = totals[first : first + PART_SAMPLES]
        labels = table.labels[first : first + len(values)]
        make = partial(SeriesNames, [family.name] * len(labels), labels)
        series = names.of((family, first), table.ids[first : first + len(values)], make)
        yield FamilySamples(family, SampleColumns(series, values))
