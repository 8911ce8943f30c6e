"""The series of a unit test: those it gives, and those that its rules record, up to the time of the evaluation."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.model.matcher import Matcher
from sidecar.model.sample import ABSENT, ABSENT_BITS
from sidecar.model.series import Floats, Ints, LabelSets, SeriesBlock, is_absent
from sidecar.promql.format import quote
from sidecar.rules.unit_tests.notation import Described


class UnitTestSeries:
    """A SeriesSource. Nothing after the last `advance` is seen.

    A sample is never replaced: of two at the same time the first counts, as in Prometheus' storage.
    """

    def __init__(self, given: Iterable[Described], start_ms: int, step_ms: int) -> None:
        series = {described.labels: described for described in given}  # of two that are equal the last counts
        columns = max((len(described.values) for described in series.values()), default=0)
        self._given = _Table(start_ms + step_ms * np.arange(columns, dtype=np.int64))
        for labels, described in series.items():
            row = self._given.row(labels)  # may make room in `values`
            self._given.values[row, : len(described.values)] = described.values
        self._native = {
            labels: start_ms + step_ms * np.array(described.native, np.int64)
            for labels, described in series.items()
            if described.native
        }
        self._recorded: dict[int, _Table] = {}
        self._now_ms = start_ms

    def advance(self, time_ms: int) -> None:
        """Show the given samples up to `time_ms`."""
        self._now_ms = time_ms

    def record(self, labels: Labels, time_ms: int, value: float, offset_ms: int = 0) -> bool:
        """Add a sample of a rule whose group is evaluated `offset_ms` late; return whether it is there now.

        It is not when there is another one at that time.
        """
        given = self._given.bits_at(labels, time_ms)
        if given is not None:
            return given == bits_of(value)
        table = self._recorded.setdefault(offset_ms, _Table(np.zeros(0, np.int64)))
        return table.add(labels, time_ms, value)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, /) -> Sequence[SeriesBlock]:
        """Return the series; raise QueryError where there are native histograms among them, which we cannot read."""
        end_ms = min(end_ms, self._now_ms)
        for labels, times in self._native.items():
            if _matches(labels, matchers) and ((times >= start_ms) & (times <= end_ms)).any():
                raise QueryError("execution", f"native histograms are not supported: {series_text(labels)}")
        tables = (*self._recorded.values(), self._given)
        return [block for table in tables if (block := table.select(tuple(matchers), start_ms, end_ms)) is not None]

    def lines(self) -> Iterator[str]:
        """Yield each series with its samples, for people."""
        for table in (self._given, *self._recorded.values()):
            seen = table.times[table.times <= self._now_ms]
            for labels, row in table.rows.items():
                values = table.values[row, : len(seen)]
                there = ~is_absent(values)
                pairs = zip(values[there].tolist(), seen[there].tolist(), strict=True)
                yield f"{series_text(labels)} => {' '.join(f'{value:g}@[{time / 1000:g}]' for value, time in pairs)}"


class _Table:
    """Series by row and times by column; both grow, by doubling. `values` may have more of both than are in use."""

    def __init__(self, times: Ints) -> None:
        self.rows: dict[Labels, int] = {}
        self._times, self._columns = times, len(times)
        self.values: Floats = np.full((0, len(times)), ABSENT)
        self._found: dict[tuple[Matcher, ...], tuple[int, Ints, LabelSets]] = {}

    @property
    def times(self) -> Ints:
        """The times of the columns that are in use."""
        return self._times[: self._columns]

    def row(self, labels: Labels) -> int:
        """Return the row of a series, a new one if need be."""
        if labels not in self.rows:
            self.rows[labels] = len(self.rows)
            if len(self.rows) > len(self.values):
                self.values = _doubled(self.values, 0)
        return self.rows[labels]

    def add(self, labels: Labels, time_ms: int, value: float) -> bool:
        """Add a sample, which is not before the last one of any series; return whether it is there now."""
        if not self._columns or self._times[self._columns - 1] < time_ms:
            self._add_column(time_ms)
        row, column = self.row(labels), self._columns - 1
        if is_absent(self.values[row, column : column + 1])[0]:
            self.values[row, column] = value
        return bits_of(float(self.values[row, column])) == bits_of(value)

    def _add_column(self, time_ms: int) -> None:
        if self._columns == len(self._times):
            self._times = np.concatenate([self._times, np.zeros(max(self._columns, 16), np.int64)])
            self.values = _doubled(self.values, 1)
        self._times[self._columns] = time_ms
        self._columns += 1

    def bits_at(self, labels: Labels, time_ms: int) -> int | None:
        """Return the sample that a series has at that time, if any."""
        column = int(np.searchsorted(self.times, time_ms))
        row = self.rows.get(labels)
        if row is None or column == self._columns or self._times[column] != time_ms:
            return None
        bits = int(self.values.view(np.int64)[row, column])
        return None if bits == ABSENT_BITS else bits

    def select(self, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int) -> SeriesBlock | None:
        """Return what matches in that time, if anything does."""
        rows, labels = self._rows_of(matchers)
        first, last = np.searchsorted(self.times, [start_ms, end_ms + 1]).tolist()
        if not len(rows) or first >= last:
            return None
        return SeriesBlock(self.times[first:last], labels, self.values[rows, first:last])

    def _rows_of(self, matchers: tuple[Matcher, ...]) -> tuple[Ints, LabelSets]:
        """Return the rows that match; found anew when there are more rows than the last time."""
        count, rows, labels = self._found.get(matchers, (-1, np.zeros(0, np.int64), LabelSets(())))
        if count != len(self.rows):
            found = [(row, labels) for labels, row in self.rows.items() if _matches(labels, matchers)]
            rows, labels = np.array([row for row, _ in found], np.int64), LabelSets([labels for _, labels in found])
            self._found[matchers] = len(self.rows), rows, labels
        return rows, labels


def bits_of(value: float) -> int:
    """Return what tells all values apart, staleness markers and NaN included."""
    return int(np.float64(value).view(np.int64))


def series_text(labels: Labels) -> str:
    """Return a series as people write it."""
    inside = ", ".join(f"{name}={quote(value)}" for name, value in labels if name != METRIC_NAME)
    name = dict(labels).get(METRIC_NAME, "")
    return f"{name}{{{inside}}}" if inside or not name else name


def _matches(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    pairs = dict(labels)
    return all(matcher.predicate()(pairs.get(matcher.name, "")) for matcher in matchers)


def _doubled(values: Floats, axis: int) -> Floats:
    """Return `values` with room for as many again along `axis`."""
    shape = [*values.shape]
    shape[axis] = max(shape[axis], 16)
    return np.concatenate([values, np.full(shape, ABSENT)], axis=axis)
