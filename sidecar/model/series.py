"""Many label sets as one value, and the block of samples that belongs to them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from sidecar.model.labels import Labels
from sidecar.model.sample import ABSENT_BITS, STALE_BITS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")
_AT_ONCE = 10_000
"""Rows hashed at once, in 5 ms; only between Python instructions can another thread run."""


@dataclass(frozen=True)
class Grouping:
    """Rows sorted into groups: `ids[row]` is the group of a row and `labels` the label set of each group."""

    ids: Ints
    labels: "LabelSets"

    @cached_property
    def order(self) -> Ints:
        """The rows, group by group."""
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def starts(self) -> Ints:
        """Where each group begins in `order`, for `ufunc.reduceat`."""
        return np.searchsorted(self.ids[self.order], np.arange(len(self.labels)))


class LabelSets(Sequence[Labels]):
    """The label sets of rows, immutable; what is derived from them is worked out once and remembered.

    Blocks hand out the same object as long as their rows stay the same, so grouping twenty thousand series costs
    something only the first time.
    """

    def __init__(self, rows: Sequence[Labels]) -> None:
        self._rows = tuple(rows)
        self._memo: dict[object, object] = {}

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Labels: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Labels]: ...

    @override
    def __getitem__(self, index: int | slice) -> Labels | Sequence[Labels]:
        return self._rows[index]

    @override
    def __iter__(self) -> Iterator[Labels]:
        return iter(self._rows)

    def memo(self, key: object, make: Callable[[], T]) -> T:
        """Return what `make` returned for `key` the first time."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]  # type: ignore[return-value] # each key belongs to one type

    @property
    def unique(self) -> bool:
        """Whether no two rows have the same labels."""
        return self.memo("unique", lambda: self._count_distinct() == len(self._rows))

    def _count_distinct(self) -> int:
        """Return how many different rows there are; in pieces, between which other threads may run."""
        seen = set[Labels]()
        for start in range(0, len(self._rows), _AT_ONCE):
            seen.update(self._rows[start : start + _AT_ONCE])
        return len(seen)

    def take(self, rows: Ints) -> "LabelSets":
        """Return the label sets of `rows`, in that order."""
        return LabelSets([self._rows[row] for row in rows.tolist()])

    def without(self, names: Collection[str]) -> "LabelSets":
        """Return every row without the labels `names`; rows may become equal."""
        return self.memo(("without", frozenset(names)), lambda: LabelSets([_without(row, names) for row in self._rows]))

    def only(self, names: Collection[str]) -> "LabelSets":
        """Return every row with only the labels `names`; rows may become equal."""
        return self.memo(("only", frozenset(names)), lambda: LabelSets([_only(row, names) for row in self._rows]))

    def grouping(self) -> Grouping:
        """Return the rows grouped by equal labels, groups in order of first appearance."""
        return self.memo("grouping", self._group)

    def _group(self) -> Grouping:
        groups: dict[Labels, int] = {}
        ids = np.fromiter((groups.setdefault(row, len(groups)) for row in self._rows), np.int64, len(self._rows))
        return Grouping(ids, LabelSets(list(groups)))


NO_LABELS = LabelSets([()])


def _without(row: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in row if pair[0] not in names)


def _only(row: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in row if pair[0] in names)


@dataclass(frozen=True, slots=True)
class SeriesBlock:
    """Series that share one time axis.

    `times` (columns,) holds Unix milliseconds, ascending. `values` (rows, columns) holds the samples; a cell may be
    STALE (the series ended here) or ABSENT (no sample here). `labels` has one label set with `__name__` per row.
    The arrays are read only and do not change after the block was handed out.
    """

    times: Ints
    labels: LabelSets
    values: Floats


def is_stale(values: Floats) -> Bools:
    """Return where `values` is the staleness marker; an ordinary NaN is a value."""
    return np.equal(values.view(np.int64), STALE_BITS)


def is_absent(values: Floats) -> Bools:
    """Return where `values` holds no sample."""
    return np.equal(values.view(np.int64), ABSENT_BITS)
