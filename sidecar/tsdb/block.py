"""One source's series on one time axis."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.model.family import Sample
from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher
from sidecar.model.sample import ABSENT, STALE
from sidecar.model.sample_columns import SampleColumns
from sidecar.model.series import Bools, Floats, Ints, SeriesBlock, is_absent, is_stale
from sidecar.model.steps import Steps
from sidecar.tsdb.index import LabelIndex
from sidecar.tsdb.rows import Rows
from sidecar.tsdb.selection import as_slice
from sidecar.tsdb.snapshot import Moment

_FIRST_COLUMNS = 32
_FIRST_ROWS = 8
_SPARE_ROWS = 1 / 16
"""Space for more rows, as a part of those there are. Each costs memory at once: systems give space in huge pages."""
_STEP_CELLS = 1 << 15
"""How many cells are copied in one step: 256 KiB, most of whose time is new memory."""

ScalarT = TypeVar("ScalarT", bound=np.generic)


class Located(NamedTuple):
    """Samples on their way into a column: their rows and values, and how many had no row left."""

    rows: Ints
    values: Floats
    refused: int


class Block:
    """Rows are series, columns are times; a column is written once and never changes.

    Cells lie column by column, so appending and reading one moment touch one contiguous stretch of memory. When the
    space is used up, what is still kept is copied into new space: arrays handed out before stay as they were.

    A batch comes in steps, `reserve` and `locate` of one part after the other and then `write`: a row without a sample
    is no series to any reader, so all of a column shows at once. `version` changes whenever rows get other numbers or
    a column is written: then what was located before is of no use any more.
    """

    def __init__(self, target: Labels) -> None:
        self.version = 0
        self._start = self._end = 0
        self._times: Ints = np.zeros(_FIRST_COLUMNS, np.int64)
        self._cells: Floats = np.empty((_FIRST_COLUMNS, _FIRST_ROWS))
        self._rows = Rows(target)
        self._last_seen: Ints = np.zeros(_FIRST_ROWS, np.int64)
        self._live: Bools = np.zeros(_FIRST_ROWS, np.bool_)

    @property
    def index(self) -> LabelIndex:
        """Which rows have which labels."""
        return self._rows.index

    @property
    def last_ms(self) -> int | None:
        """Time of the newest column."""
        return int(self._times[self._end - 1]) if self._end > self._start else None

    @property
    def last_gap_ms(self) -> int:
        """How long the newest column came after the one before it; 0 without such a one."""
        return int(self._times[self._end - 1] - self._times[self._end - 2]) if self._end - self._start > 1 else 0

    @property
    def row_count(self) -> int:
        """Series with a sample among the kept columns, or among those forgotten since the last compaction."""
        return len(self._rows)

    @property
    def has_empty_rows(self) -> bool:
        """Whether some rows have no sample among the kept columns."""
        return bool((self._last_seen[: self.row_count] < self._oldest_ms()).any())

    @property
    def is_full(self) -> bool:
        """Whether there is no space for another column; `compact` makes some."""
        return self._end == len(self._times)

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return self._cells.nbytes + self._times.nbytes + self._last_seen.nbytes + self._live.nbytes

    def retarget(self, target: Labels) -> None:
        """Give other labels of the target to what comes from now on; series that had them before go on."""
        self._rows.retarget(target)

    def count_new(self, samples: Iterable[Sample]) -> int:
        """Return how many of `samples` are of a series without a row; never too few."""
        return self._rows.count_new(samples)

    def reserve(self, rows: int) -> Steps[None]:
        """Make space for so many more rows."""
        while self.row_count + rows > (width := self._cells.shape[1]):
            wider = max(_with_spare(width), self.row_count + rows)
            yield from self._move(slice(self.row_count), None, len(self._times), wider)

    def locate(self, samples: Iterable[Sample], room: int) -> Located:
        """Return the rows of `samples`, new ones among them, `room` at most; there must be space for them."""
        rows, values, refused = self._rows.locate(samples, room)
        return Located(np.array(rows, np.intp), np.array(values, np.float64), refused)

    def remember(self, samples: Sequence[Sample], located: Sequence[Located]) -> None:
        """Take note where `samples` belong, for when others of the same series come, if they are a column."""
        if isinstance(samples, SampleColumns) and not any(part.refused for part in located):
            self._rows.of_series[samples.series] = np.concatenate([part.rows for part in located])

    def known(self, samples: Sequence[Sample]) -> Located | None:
        """Return where `samples` belong, if that was remembered of their series."""
        if not isinstance(samples, SampleColumns):
            return None
        rows = self._rows.of_series.get(samples.series)
        return None if rows is None else Located(rows, samples.values, 0)

    def write(self, time_ms: int, located: Sequence[Located]) -> int:
        """Write a column at `time_ms`, which is newer than every other; return how many samples came twice.

        Of samples with equal name and labels the first is kept. A series of the column before that is missing now
        becomes stale.
        """
        rows = np.concatenate([np.zeros(0, np.intp), *(part.rows for part in located)])
        values = np.concatenate([np.zeros(0), *(part.values for part in located)])
        seen = np.zeros(self.row_count, np.bool_)
        seen[rows] = True
        self._cells[self._end] = ABSENT
        column = self._cells[self._end, : self.row_count]
        column[rows[::-1]] = values[::-1]
        self._close(time_ms, column, seen)
        return len(rows) - int(np.count_nonzero(seen))

    def trim(self, oldest_ms: int) -> bool:
        """Forget columns before `oldest_ms`; return whether any column is left."""
        times = self._times[self._start : self._end]
        self._start += int(np.searchsorted(times, oldest_ms))
        return self._start < self._end

    def cut(self, from_ms: int) -> int:
        """Forget the columns at `from_ms` and later; return how many. What was handed out before stays as it was."""
        kept = self._start + int(np.searchsorted(self._times[self._start : self._end], from_ms))
        count = self._end - kept
        if count:
            self._times, self._cells, self._end = self._times.copy(), self._cells.copy(), kept
            last = self._cells[kept - 1] if kept > self._start else np.full_like(self._cells[0], ABSENT)
            self._live = ~(is_absent(last) | is_stale(last))
            self._last_seen = np.minimum(self._last_seen, self.last_ms or 0)
            self.version += 1
        return count

    def move(self, ms: int) -> None:
        """Have every column at a time that is later by `ms`. What was handed out before stays as it was."""
        self._times, self._last_seen = self._times + ms, self._last_seen + ms
        self.version += 1

    def compact(self) -> Steps[None]:
        """Move the kept columns, and the rows with a sample in one of them, into new space with room to grow."""
        count = self._end - self._start
        spare = max(count // 8 if self._start else count, _FIRST_COLUMNS)
        rows = np.flatnonzero(self._last_seen[: self.row_count] >= self._oldest_ms())
        version = self.version
        kept = (yield from self._rows.kept(rows)) if len(rows) < self.row_count else None
        if version == self.version:
            yield from self._move(as_slice(rows), kept, count + spare, _with_spare(len(rows)))

    def shed(self, count: int) -> Steps[None]:
        """Forget `count` series with all their samples, as others need the room.

        First those go that have ended, the longest ago first, and then those that came last. None goes if the block
        changes between two steps.
        """
        rows, version = self._worthiest(self.row_count - count), self.version
        kept = yield from self._rows.kept(rows)
        if version == self.version:
            yield from self._move(as_slice(rows), kept, len(self._times), _with_spare(len(rows)))

    def moment(self) -> Moment:
        """Return what is kept now."""
        columns = slice(self._start, self._end)
        return Moment(self._times[columns], self._cells[columns], self._rows, self.row_count)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock | None:
        """Return the rows that satisfy `matchers` with their columns in [start_ms, end_ms], if there are both."""
        return self.moment().view(tuple(matchers)).between(start_ms, end_ms)

    def _worthiest(self, count: int) -> Ints:
        """Return the numbers of `count` rows that are to be kept before others, ascending."""
        rows = self.row_count
        live, last_seen = self._live[:rows], self._last_seen[:rows]
        worst_first = np.lexsort((-np.arange(rows), np.where(live, 0, last_seen), live))
        return np.sort(worst_first[rows - count :])

    def _oldest_ms(self) -> int:
        return int(self._times[self._start] if self._start < self._end else np.iinfo(np.int64).max)

    def _move(self, rows: slice | Ints, kept: Rows | None, columns: int, width: int) -> Steps[None]:
        """Copy `rows` of the kept columns into new space; `kept` are their names if some rows are left behind.

        In the last step the new space takes the place of the old one, unless that has changed since the first.
        """
        version, old, start, end = self.version, self._cells, self._start, self._end
        cells = np.empty((columns, width))
        for first in range(start, end, step := max(1, _STEP_CELLS // width)):
            part = old[first : min(first + step, end), rows]
            target = cells[first - start : first - start + len(part)]
            target[:, : part.shape[1]] = part
            target[:, part.shape[1] :] = ABSENT
            yield
        if version != self.version or old is not self._cells:
            return
        self._times = _resized(self._times[start:end], columns)
        self._cells, self._start, self._end = cells, self._start - start, end - start
        self._last_seen = _resized(self._last_seen[rows], width)
        self._live = _resized(self._live[rows], width)
        if kept is not None:
            self._rows = kept
            self.version += 1

    def _close(self, time_ms: int, column: Floats, seen: Bools) -> None:
        count = self.row_count
        vanished = self._live[:count] & ~seen
        column[vanished] = STALE
        self._last_seen[:count][seen | vanished] = time_ms
        self._live[:count] = seen & ~is_stale(column)
        self._times[self._end] = time_ms
        self._end += 1
        self.version += 1


def _with_spare(rows: int) -> int:
    """Return for how many rows there is to be space."""
    return rows + max(int(rows * _SPARE_ROWS), _FIRST_ROWS)


def _resized(array: NDArray[ScalarT], size: int) -> NDArray[ScalarT]:
    """Return `array` with zeros behind it up to `size`."""
    return np.concatenate([array, np.zeros(size - len(array), array.dtype)])
