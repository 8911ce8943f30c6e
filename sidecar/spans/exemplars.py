"""Which span to look at for each bucket of a histogram."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sidecar.derive.series import Floats, Rows, grown
from sidecar.model.family import Exemplar

RENEWED_SECONDS = 1.0
"""How old an exemplar is before a newer span takes its place: looking at each would cost as much as counting."""


class Traced(NamedTuple):
    """Spans that took `seconds`, received at a moment by the steady clock and in Unix time.

    `ids_of` has those of the trace and of the span at a place, which may be empty; it is asked for few.
    """

    seconds: Floats
    received_at: float
    wall_at: float
    ids_of: Callable[[int], tuple[bytes, bytes]]


class Exemplars:
    """The latest span of each bucket, to a second; spans without ids are none.

    Buckets are numbered through, those of a row after those of the row before it.
    """

    def __init__(self, buckets: int, unit_per_second: float) -> None:
        self._buckets = buckets
        self._unit_per_second = unit_per_second
        self._latest: dict[int, Exemplar] = {}
        self._renewed_at: Floats = np.empty((0, buckets))
        self._noted_at = 0.0

    def make_room(self, rows: int) -> None:
        """Have room for the buckets of that many rows."""
        self._renewed_at = grown(self._renewed_at, rows)

    def note(self, cells: Rows, spans: Traced) -> None:
        """Look at spans whose buckets are `cells`."""
        if spans.wall_at < self._noted_at:  # the clock was set back: who reads them refuses those of later times
            self._latest = {cell: one for cell, one in self._latest.items() if one.timestamp <= spans.wall_at}
        self._noted_at = spans.wall_at
        due = (self._renewed_at.reshape(-1)[cells] <= spans.received_at - RENEWED_SECONDS).nonzero()[0]
        if len(due):
            for cell, place in dict(zip(cells[due].tolist(), due.tolist(), strict=True)).items():
                self._renew(cell, place, spans)

    def _renew(self, cell: int, place: int, spans: Traced) -> None:
        self._renewed_at[divmod(cell, self._buckets)] = spans.received_at
        trace_id, span_id = spans.ids_of(place)
        if trace_id and span_id:
            value = float(spans.seconds[place]) * self._unit_per_second
            self._latest[cell] = Exemplar(trace_id, span_id, value, spans.wall_at)

    def of_rows(self, first: int, last: int, width: int) -> Mapping[int, Exemplar]:
        """Return those of the rows from `first` to before `last`, by the place of their bucket's sample.

        A row has `width` samples, the buckets first.
        """
        latest, buckets = self._latest, self._buckets
        return {
            (row - first) * width + bucket: latest[cell]
            for row in range(first, last)
            for bucket, cell in enumerate(range(row * buckets, (row + 1) * buckets))
            if cell in latest
        }

    def keep(self, kept: Rows) -> None:
        """Keep those of the rows `kept`, which move up."""
        moved = {row: place for place, row in enumerate(kept.tolist())}
        self._latest = {
            moved[cell // self._buckets] * self._buckets + cell % self._buckets: exemplar
            for cell, exemplar in self._latest.items()
            if cell // self._buckets in moved
        }
        self._renewed_at = self._renewed_at[kept]
