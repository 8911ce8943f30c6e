"""Which rows satisfy some matchers, remembered."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher
from sidecar.model.series import Ints, LabelSets
from sidecar.tsdb.index import LabelIndex

_REMEMBERED_ROWS = 4
"""Rows remembered in selections, for each row there is; what is derived from their labels is remembered with them."""
_AT_LEAST = 10_000


class Selection(NamedTuple):
    """The rows that satisfy some matchers, when there were `row_count` rows in all."""

    rows: slice | Ints
    labels: LabelSets
    row_count: int

    def first(self, row_count: int) -> "Selection":
        """Return what it was when there were only `row_count` rows."""
        rows = np.arange(self.rows.start, self.rows.stop) if isinstance(self.rows, slice) else self.rows
        count = int(np.searchsorted(rows, row_count))
        if count == len(rows):
            return self
        return Selection(as_slice(rows[:count]), LabelSets(self.labels[:count]), row_count)


class Selections:
    """The selections of rows that are only ever added to; those asked for last are remembered."""

    def __init__(self, labels: Sequence[Labels], index: LabelIndex) -> None:
        self._labels = labels
        self._index = index
        self._known: dict[tuple[Matcher, ...], Selection] = {}
        self._rows = 0

    def of(self, matchers: tuple[Matcher, ...]) -> Selection:
        """Return the rows that satisfy `matchers`, with the same label sets as before where no new row belongs to them.

        What was derived from the label sets, a grouping of all series above all, is remembered with them.
        """
        known = self._known.get(matchers)
        if known is not None and known.row_count == len(self._labels):
            return known
        rows = self._index.rows(matchers)
        if known is not None and len(known.labels) == len(rows):
            found = known._replace(row_count=len(self._labels))
        else:
            labels = LabelSets([self._labels[row] for row in rows.tolist()])
            found = Selection(as_slice(rows), labels, len(self._labels))
        self._remember(matchers, found)
        return found

    def _remember(self, matchers: tuple[Matcher, ...], found: Selection) -> None:
        self._forget(matchers)
        limit = max(_AT_LEAST, _REMEMBERED_ROWS * len(self._labels))
        while self._known and self._rows + len(found.labels) + 1 > limit:
            self._forget(next(iter(self._known)))
        self._known[matchers] = found
        self._rows += len(found.labels) + 1

    def _forget(self, matchers: tuple[Matcher, ...]) -> None:
        before = self._known.pop(matchers, None)
        if before is not None:
            self._rows -= len(before.labels) + 1


def as_slice(rows: Ints) -> slice | Ints:
    """Return `rows` as a slice where they are neighbours: reading them then copies nothing."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
