"""What the head held at one moment, for readers that take longer than a moment: in other threads, or in turns."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.model.matcher import Matcher
from sidecar.model.series import Floats, Ints, LabelSets, SeriesBlock
from sidecar.model.steps import Steps
from sidecar.tsdb.rows import Rows

ScalarT = TypeVar("ScalarT", bound=np.generic)


class Moment(NamedTuple):
    """The kept columns of a block, (columns, rows) of which the first `row_count` existed; nothing is copied.

    Columns are written once and space is never used again, so the arrays stay as they are. Only `rows` goes on.
    """

    times: Ints
    cells: Floats
    rows: Rows
    row_count: int

    def view(self, matchers: tuple[Matcher, ...]) -> "View":
        """Return the series that satisfy `matchers`."""
        selection = self.rows.selections.of(matchers)
        if selection.row_count > self.row_count:
            selection = selection.first(self.row_count)
        return View(self.times, self.cells, selection.rows, selection.labels)


class View(NamedTuple):
    """Some series of a block at all of its times; immutable."""

    times: Ints
    cells: Floats
    rows: slice | Ints
    labels: LabelSets

    def between(self, start_ms: int, end_ms: int) -> SeriesBlock | None:
        """Return the series with their samples in [start_ms, end_ms], if there are both."""
        first, last = np.searchsorted(self.times, [start_ms, end_ms + 1]).tolist()
        if first >= last or not self.labels:
            return None
        values = self.cells[first:last, self.rows].T
        return SeriesBlock(_read_only(self.times[first:last]), self.labels, _read_only(values))


class Snapshot:
    """Gives the series of the selectors it was made for, as they were at one moment; for any thread."""

    def __init__(self, views: dict[tuple[Matcher, ...], Sequence[View]]) -> None:
        self._views = views

    @property
    def series(self) -> int:
        """How many series there are, for all selectors together."""
        return sum(len(view.labels) for views in self._views.values() for view in views)

    @property
    def samples(self) -> int:
        """How many cells there are in all of its series."""
        return sum(len(view.labels) * len(view.times) for views in self._views.values() for view in views)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, /) -> Sequence[SeriesBlock]:
        """Return the series that satisfy all `matchers`, with their samples in [start_ms, end_ms]."""
        found = (view.between(start_ms, end_ms) for view in self._views[tuple(matchers)])
        return [block for block in found if block is not None]


def snapshot_in_steps(
    moments: Sequence[tuple[tuple[Matcher, ...], Sequence[Moment]]],
) -> Steps[Snapshot]:
    """Return the snapshot of selectors and the moments of the blocks that each may find something in.

    A step asks a regular expression about some values, or chooses the rows of one block.
    """
    views: dict[tuple[Matcher, ...], Sequence[View]] = {}
    for matchers, blocks in moments:
        views[matchers] = found = list[View]()
        for moment in blocks:
            yield from moment.rows.index.judge(matchers)
            view = moment.view(matchers)
            if view.labels:
                found.append(view)
            yield
    return Snapshot(views)


def _read_only(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    array.flags.writeable = False
    return array
