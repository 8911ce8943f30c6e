"""The names of a block's rows: which series each is, and which row a sample belongs to."""

from collections.abc import Iterable
from typing import TypeAlias

from sidecar.model.family import Sample
from sidecar.model.labels import METRIC_NAME, Labels, with_target
from sidecar.model.series import Ints
from sidecar.model.steps import Steps, slices
from sidecar.tsdb.index import LabelIndex
from sidecar.tsdb.selection import Selections

Key: TypeAlias = tuple[str, Labels]
"""Name and labels of a sample, without those of the target."""


class Rows:
    """Rows are numbered from 0 in the order they are added; none is ever taken out, see `kept`."""

    def __init__(self, target: Labels) -> None:
        self.target = target
        self.labels: list[Labels] = []
        self.index = LabelIndex()
        self.selections = Selections(self.labels, self.index)
        self._row_of_key: dict[Key, int] = {}
        self._row_of: dict[Labels, int] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def retarget(self, target: Labels) -> None:
        """Give other labels of the target to what comes from now on; series that had them before go on."""
        if target != self.target:
            self.target = target
            rows = ((key, self._row_of.get(self._full(key))) for key in self._row_of_key)
            self._row_of_key = {key: row for key, row in rows if row is not None}

    def count_new(self, samples: Iterable[Sample]) -> int:
        """Return how many of `samples` are of a series without a row; never too few."""
        return sum(sample[:2] not in self._row_of_key for sample in samples)

    def locate(self, samples: Iterable[Sample], room: int) -> tuple[list[int], list[float], int]:
        """Return the row and the value of each sample, and how many had no row left.

        Series without a row get one, `room` of them at most.
        """
        known, rows, values, refused = self._row_of_key, list[int](), list[float](), 0
        most_rows = len(self) + room
        for sample in samples:
            key = sample[:2]
            row = known.get(key)
            if row is None:
                if len(self) >= most_rows:
                    refused += 1
                    continue
                row = self._add(key)
            rows.append(row)
            values.append(sample[2])
        return rows, values, refused

    def kept(self, rows: Ints) -> Steps["Rows"]:
        """Return `rows` alone, in their order and numbered anew."""
        kept = Rows(self.target)
        for part in slices(rows.tolist()):
            for row in part:
                kept._append(self.labels[row])
            yield
        for keys in slices(list(self._row_of_key.items())):
            found = ((key, kept._row_of.get(self.labels[row])) for key, row in keys)
            kept._row_of_key.update((key, row) for key, row in found if row is not None)
            yield
        return kept

    def _add(self, key: Key) -> int:
        """Return a new row for `key`, or the one whose labels are the same with those of the target."""
        full = self._full(key)
        row = self._row_of.get(full)
        if row is None:
            row = self._append(full)
        self._row_of_key[key] = row
        return row

    def _append(self, labels: Labels) -> int:
        row = self._row_of[labels] = self.index.add(labels)
        self.labels.append(labels)
        return row

    def _full(self, key: Key) -> Labels:
        name, labels = key
        return with_target(((METRIC_NAME, name), *labels), self.target)
