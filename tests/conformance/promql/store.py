"""A store of whole series, for data that arrives series by series instead of batch by batch."""

from collections.abc import Iterable, Sequence

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher
from sidecar.model.series import LabelSets, SeriesBlock

Point = tuple[int, float]


class Store:
    """Series by labels; those with the same times share a block."""

    def __init__(self) -> None:
        self._series: dict[Labels, dict[int, float]] = {}
        self._blocks: list[SeriesBlock] | None = None

    def add(self, labels: Labels, points: Iterable[Point]) -> None:
        self._series.setdefault(labels, {}).update(points)
        self._blocks = None

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, /) -> Sequence[SeriesBlock]:
        predicates = [(matcher.name, matcher.predicate()) for matcher in matchers]
        found = []
        for block in self._all_blocks():
            rows = [i for i, row in enumerate(block.labels) if all(p(dict(row).get(n, "")) for n, p in predicates)]
            first, last = np.searchsorted(block.times, [start_ms, end_ms + 1]).tolist()
            if rows and first < last:
                labels = LabelSets([block.labels[row] for row in rows])
                found.append(SeriesBlock(block.times[first:last], labels, block.values[rows, first:last]))
        return found

    def _all_blocks(self) -> list[SeriesBlock]:
        if self._blocks is None:
            by_times: dict[tuple[int, ...], list[Labels]] = {}
            for labels, points in self._series.items():
                if points:
                    by_times.setdefault(tuple(sorted(points)), []).append(labels)
            self._blocks = [self._block(times, members) for times, members in by_times.items()]
        return self._blocks

    def _block(self, times: tuple[int, ...], members: list[Labels]) -> SeriesBlock:
        values = np.array([[self._series[labels][time] for time in times] for labels in members], np.float64)
        return SeriesBlock(np.array(times, np.int64), LabelSets(members), values)
