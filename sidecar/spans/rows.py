"""From the shapes of a batch's spans to the rows of a metric's series."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sidecar.derive.series import Rows, SeriesTable
from sidecar.spans.shape import ObservedSpans, SpanShape

LabelsOf = Callable[[SpanShape], Mapping[str, str] | None]
"""The labels of a shape without its service; None if the metric has nothing to say about such spans."""

_NOTHING = -1
_UNKNOWN = -2


class ShapeRows:
    """Rows of a SeriesTable for whole batches: a shape is asked for its labels when its first span comes."""

    def __init__(self, table: SeriesTable, labels_of_shape: LabelsOf) -> None:
        self._table = table
        self._labels_of = labels_of_shape
        self._shapes: Sequence[SpanShape] = ()
        self._rows: Rows = np.empty(0, np.int64)
        self._unknown = 0

    def of(self, spans: ObservedSpans) -> tuple[Rows, Rows]:
        """Return the places of the spans in the batch that the metric is about, and the row of each."""
        if spans.shapes is not self._shapes:
            self._shapes, self._rows = spans.shapes, np.empty(0, np.int64)
            self._unknown = 0
        missing = len(spans.shapes) - len(self._rows)
        if missing:
            self._rows = np.concatenate([self._rows, np.full(missing, _UNKNOWN)])
            self._unknown += missing
        every = self._rows[spans.indexes]
        if self._unknown:
            self._find(np.unique(spans.indexes[every == _UNKNOWN]), spans.shapes)
            every = self._rows[spans.indexes]
        places = (every >= 0).nonzero()[0]  # a third of the time of np.flatnonzero
        rows = every[places]
        self._table.touch(rows, spans.received_at, spans.weights_at(places))
        return places, rows

    def expire(self, now: float) -> Rows | None:
        """Let series of the table expire as `SeriesTable.expire` does; shapes that went to overflow may ask anew."""
        moved = np.full(len(self._table.labels) + 2, _UNKNOWN)  # and places for what is no row, which stays as it is
        moved[_NOTHING] = _NOTHING
        overflow = self._table.overflow_rows
        kept = self._table.expire(now)
        if kept is not None:
            moved[kept] = np.arange(len(kept))
            moved[overflow] = _UNKNOWN
            self._rows = moved[self._rows]
            self._unknown = int((self._rows == _UNKNOWN).sum())
        return kept

    def _find(self, indexes: Rows, shapes: Sequence[SpanShape]) -> None:
        for index in indexes.tolist():
            self._rows[index] = self._row_of(shapes[index])
        self._unknown -= len(indexes)

    def _row_of(self, shape: SpanShape) -> int:
        labels = self._labels_of(shape)
        return _NOTHING if labels is None else self._table.row_of(shape.service, labels)
