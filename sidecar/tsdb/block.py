"""One source's series on one time axis."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.model.family import Sample
from sidecar.model.labels import METRIC_NAME, Labels, with_target
from sidecar.model.matcher import Matcher
from sidecar.model.sample import ABSENT, STALE
from sidecar.model.series import Bools, Floats, Ints, LabelSets, SeriesBlock, is_stale
from sidecar.tsdb.index import LabelIndex

_FIRST_COLUMNS = 32
_FIRST_ROWS = 8
_MAX_SELECTIONS = 512

ScalarT = TypeVar("ScalarT", bound=np.generic)


class Appended(NamedTuple):
    """What became of the samples of a column that were not stored."""

    refused: int
    duplicates: int


class _Selection(NamedTuple):
    """The rows that satisfy some matchers, when there were `row_count` rows in all."""

    rows: slice | Ints
    labels: LabelSets
    row_count: int


class Block:
    """Rows are series, columns are times; a column is written once and never changes.

    Cells lie column by column, so appending and reading one moment touch one contiguous stretch of memory. When the
    space is used up, what is still kept is copied into new space: arrays handed out before stay as they were.
    """

    def __init__(self, target: Labels) -> None:
        self.target = target
        self._start = self._end = 0
        self._times: Ints = np.zeros(_FIRST_COLUMNS, np.int64)
        self._cells: Floats = np.full((_FIRST_COLUMNS, _FIRST_ROWS), ABSENT)
        self._labels: list[Labels] = []
        self._last_seen: Ints = np.zeros(_FIRST_ROWS, np.int64)
        self._live: Bools = np.zeros(_FIRST_ROWS, np.bool_)
        self._rows: dict[tuple[str, Labels], int] = {}
        self._row_of: dict[Labels, int] = {}
        self.index = LabelIndex()
        self._selections: dict[tuple[Matcher, ...], _Selection] = {}

    @property
    def last_ms(self) -> int | None:
        """Time of the newest column."""
        return int(self._times[self._end - 1]) if self._end > self._start else None

    @property
    def row_count(self) -> int:
        """Series with a sample among the kept columns, or among those forgotten since the last compaction."""
        return len(self._labels)

    @property
    def has_empty_rows(self) -> bool:
        """Whether some rows have no sample among the kept columns."""
        oldest = self._times[self._start] if self._start < self._end else np.iinfo(np.int64).max
        return bool((self._last_seen[: self.row_count] < oldest).any())

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return self._cells.nbytes + self._times.nbytes + self._last_seen.nbytes + self._live.nbytes

    def retarget(self, target: Labels) -> None:
        """Give other labels of the target to what comes from now on; series that had them before go on."""
        if target != self.target:
            self.target = target
            rows = ((key, self._row_of.get(self._full(key))) for key in self._rows)
            self._rows = {key: row for key, row in rows if row is not None}

    def count_new(self, samples: Iterable[Sample]) -> int:
        """Return how many of `samples` are of a series without a row; never too few."""
        return sum(sample[:2] not in self._rows for sample in samples)

    def append(self, time_ms: int, samples: Iterable[Sample], room: int) -> Appended:
        """Write a column at `time_ms`, which is newer than every other; at most `room` new series are taken.

        Of samples with equal name and labels the first is kept. A series of the column before that is missing now
        becomes stale.
        """
        if self._end == len(self._times):
            self.compact()
        rows, values, refused = self._locate(samples, self.row_count + room)
        seen = np.zeros(self.row_count, np.bool_)
        seen[rows] = True
        column = self._cells[self._end, : self.row_count]
        column[rows[::-1]] = values[::-1]
        self._close(time_ms, column, seen)
        return Appended(refused, len(rows) - int(np.count_nonzero(seen)))

    def trim(self, oldest_ms: int) -> bool:
        """Forget columns before `oldest_ms`; return whether any column is left."""
        times = self._times[self._start : self._end]
        self._start += int(np.searchsorted(times, oldest_ms))
        return self._start < self._end

    def compact(self) -> None:
        """Move the kept columns, and the rows with a sample in one of them, into new space with room to grow."""
        columns = slice(self._start, self._end)
        count = self._end - self._start
        oldest = self._times[self._start] if count else np.iinfo(np.int64).max
        rows = np.flatnonzero(self._last_seen[: self.row_count] >= oldest)
        spare = max(count // 4 if self._start else count, _FIRST_COLUMNS)
        if len(rows) < self.row_count:
            self._keep_rows(rows)
        cells = np.full((count + spare, max(len(rows) + len(rows) // 4, _FIRST_ROWS)), ABSENT)
        cells[:count, : len(rows)] = self._cells[columns, _as_slice(rows)]
        self._times = np.concatenate([self._times[columns], np.zeros(spare, np.int64)])
        self._cells, self._start, self._end = cells, 0, count
        self._last_seen = _resized(self._last_seen[rows], cells.shape[1])
        self._live = _resized(self._live[rows], cells.shape[1])

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock | None:
        """Return the rows that satisfy `matchers` with their columns in [start_ms, end_ms], if there are both."""
        times = self._times[self._start : self._end]
        first, last = np.searchsorted(times, [start_ms, end_ms + 1]).tolist()
        rows, labels = self._selected(tuple(matchers))
        if first >= last or not labels:
            return None
        values = self._cells[self._start + first : self._start + last, rows].T
        return SeriesBlock(_read_only(times[first:last]), labels, _read_only(values))

    def _selected(self, matchers: tuple[Matcher, ...]) -> tuple[slice | Ints, LabelSets]:
        known = self._selections.get(matchers)
        if known is None or known.row_count < self.row_count:
            if known is None and len(self._selections) >= _MAX_SELECTIONS:
                self._selections.clear()
            known = self._selections[matchers] = self._select_anew(matchers, known)
        return known.rows, known.labels

    def _select_anew(self, matchers: tuple[Matcher, ...], before: "_Selection | None") -> "_Selection":
        """Return the selection among all rows; where no new row belongs to it the label sets are those of `before`.

        Rows are only added until a compaction, so as many are the same ones. What was derived from the label sets, a
        grouping of all series above all, is remembered with them.
        """
        rows = self.index.rows(matchers)
        if before is not None and len(before.labels) == len(rows):
            return before._replace(row_count=self.row_count)
        labels = LabelSets([self._labels[row] for row in rows.tolist()])
        return _Selection(_as_slice(rows), labels, self.row_count)

    def _locate(self, samples: Iterable[Sample], most_rows: int) -> tuple[list[int], list[float], int]:
        """Return the row and the value of each sample, and how many had no row left."""
        known, rows, values, refused = self._rows, list[int](), list[float](), 0
        for sample in samples:
            key = sample[:2]
            row = known.get(key)
            if row is None:
                if self.row_count >= most_rows:
                    refused += 1
                    continue
                row = self._add(key)
            rows.append(row)
            values.append(sample[2])
        return rows, values, refused

    def _add(self, key: tuple[str, Labels]) -> int:
        """Return a new row for `key`, or the one whose labels are the same with those of the target."""
        full = self._full(key)
        row = self._row_of.setdefault(full, self.row_count)
        self._rows[key] = row
        if row == self.row_count:
            self._labels.append(full)
            self.index.add(full)
            if row == self._cells.shape[1]:
                self._widen()
        return row

    def _full(self, key: tuple[str, Labels]) -> Labels:
        name, labels = key
        return with_target(((METRIC_NAME, name), *labels), self.target)

    def _widen(self) -> None:
        rows = self._cells.shape[1]
        cells = np.full((self._cells.shape[0], rows * 2), ABSENT)
        cells[:, :rows] = self._cells
        self._cells = cells
        self._last_seen = _resized(self._last_seen, rows * 2)
        self._live = _resized(self._live, rows * 2)

    def _keep_rows(self, rows: Ints) -> None:
        new = {int(old): row for row, old in enumerate(rows)}
        self._rows = {key: new[row] for key, row in self._rows.items() if row in new}
        self._labels = [self._labels[row] for row in rows.tolist()]
        self._row_of = {labels: row for row, labels in enumerate(self._labels)}
        self.index = LabelIndex(self._labels)
        self._selections.clear()

    def _close(self, time_ms: int, column: Floats, seen: Bools) -> None:
        count = self.row_count
        vanished = self._live[:count] & ~seen
        column[vanished] = STALE
        self._last_seen[:count][seen | vanished] = time_ms
        self._live[:count] = seen & ~is_stale(column)
        self._times[self._end] = time_ms
        self._end += 1


def _resized(array: NDArray[ScalarT], size: int) -> NDArray[ScalarT]:
    """Return `array` with zeros behind it up to `size`."""
    return np.concatenate([array, np.zeros(size - len(array), array.dtype)])


def _as_slice(rows: Ints) -> slice | Ints:
    """Return `rows` as a slice where they are neighbours: reading them then copies nothing."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _read_only(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    array.flags.writeable = False
    return array
