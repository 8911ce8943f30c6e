"""The names of a block's rows: which series each is, and which row a sample belongs to."""

from collections.abc import Iterable, MutableMapping
from weakref import WeakKeyDictionary

from sidecar.model.family import Sample
from sidecar.model.labels import METRIC_NAME, Labels, with_target
from sidecar.model.sample_columns import SeriesNames
from sidecar.model.series import Ints
from sidecar.model.steps import Steps, slices
from sidecar.tsdb.index import LabelIndex
from sidecar.tsdb.selection import Selections


class Rows:
    """Rows are numbered from 0 in the order they are added; none is ever taken out, see `kept`."""

    def __init__(self, target: Labels) -> None:
        self.target = target
        self.labels: list[Labels] = []
        self.index = LabelIndex()
        self.selections = Selections(self.labels, self.index)
        self._known: dict[str, dict[Labels, int]] = {}
        """Rows by the name and the labels of a sample, without those of the target."""
        self._row_of: dict[Labels, int] = {}
        self.of_series: MutableMapping[SeriesNames, Ints] = WeakKeyDictionary()
        """The rows of series that samples come for again and again, as long as somebody has these names."""

    def __len__(self) -> int:
        return len(self.labels)

    def retarget(self, target: Labels) -> None:
        """Give other labels of the target to what comes from now on; series that had them before go on."""
        if target != self.target:
            self.target = target
            self.of_series.clear()
            known, self._known = self._known, {}
            for name, of_name in known.items():
                self._know(name, ((labels, self._row_of.get(self._full(name, labels))) for labels in of_name))

    def count_new(self, samples: Iterable[Sample]) -> int:
        """Return how many of `samples` are of a series without a row; never too few."""
        return sum(labels not in self._known.get(name, {}) for name, labels, _ in samples)

    def locate(self, samples: Iterable[Sample], room: int) -> tuple[list[int], list[float], int]:
        """Return the row and the value of each sample, and how many had no row left.

        Series without a row get one, `room` of them at most.
        """
        known, rows, values, refused = self._known, list[int](), list[float](), 0
        most_rows = len(self) + room
        for name, labels, value in samples:
            of_name = known.get(name)
            row = None if of_name is None else of_name.get(labels)
            if row is None:
                if len(self) >= most_rows:
                    refused += 1
                    continue
                row = self._add(name, labels)
            rows.append(row)
            values.append(value)
        return rows, values, refused

    def kept(self, rows: Ints) -> Steps["Rows"]:
        """Return `rows` alone, in their order and numbered anew."""
        kept = Rows(self.target)
        for part in slices(rows.tolist()):
            for row in part:
                kept._append(self.labels[row])
            yield
        for name, of_name in list(self._known.items()):
            for part in slices(list(of_name.items())):
                kept._know(name, ((labels, kept._row_of.get(self.labels[row])) for labels, row in part))
                yield
        return kept

    def _know(self, name: str, rows: Iterable[tuple[Labels, int | None]]) -> None:
        found = {labels: row for labels, row in rows if row is not None}
        if found:
            self._known.setdefault(name, {}).update(found)

    def _add(self, name: str, labels: Labels) -> int:
        """Return a new row for the sample, or the one whose labels are the same with those of the target."""
        full = self._full(name, labels)
        row = self._row_of.get(full)
        if row is None:
            row = self._append(full)
        kept = {pair: pair for pair in self.labels[row]}
        self._known.setdefault(name, {})[tuple([kept.get(pair, pair) for pair in labels])] = row
        return row

    def _append(self, labels: Labels) -> int:
        row = len(self.labels)
        shared = self.index.add(labels)
        self._row_of[shared] = row
        self.labels.append(shared)
        return row

    def _full(self, name: str, labels: Labels) -> Labels:
        return with_target(((METRIC_NAME, name), *labels), self.target)
