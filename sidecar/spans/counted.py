"""A counter whose series come one by one, for what is rare among spans: errors, findings, slow queries."""

from collections.abc import Iterator, Mapping

import numpy as np

from sidecar.derive.limits import Budget, Limits
from sidecar.derive.series import SeriesTable, grown
from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.spans.stage import overflowed

_SHARE = 10
_ADDED = 500
"""Series that are added to before they are brought to their rows."""


class CountedSeries:
    """The series of a counter with a label for the service, within limits, until they expire.

    They come late and are few: what other metrics left of the budget must not decide whether they have labels, so their
    part of it is set aside from the start.
    """

    def __init__(self, family: Family, limits: Limits, budget: Budget, label: str = "service") -> None:
        self._family = family
        most = min(limits.services * limits.series_per_service, budget.left // _SHARE)
        self._table = SeriesTable(label, limits, budget.split(most))
        self._counts = np.zeros(0)
        self._added: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._added_at = 0.0

    def add(self, service: str, labels: Mapping[str, str], weight: float, now: float) -> None:
        """Add `weight` to the series at Unix time `now`."""
        key = (service, tuple(labels.items()))
        if key not in self._added and len(self._added) >= _ADDED:
            self._settle()
        self._added[key] = self._added.get(key, 0.0) + weight
        self._added_at = now

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts, and how much went to overflow series; `now` is when series may have expired.

        They are a thousand or so: one part, and all shown at once.
        """
        self._settle()
        kept = self._table.expire(now)
        if kept is not None:
            self._counts = self._counts[kept]
        name = self._family.name
        pairs = zip(self._table.labels, self._counts.tolist(), strict=False)
        yield FamilySamples(self._family, [Sample(name, labels, count) for labels, count in pairs])
        yield overflowed(name, self._table.overflowed)

    def _settle(self) -> None:
        """Bring what was added to the rows: one at a time that would cost ten times as much."""
        rows = [self._table.row_of(service, dict(labels)) for service, labels in self._added]
        weights = np.array([*self._added.values()])
        self._counts = grown(self._counts, len(self._table.labels))
        if rows:
            np.add.at(self._counts, rows, weights)
            self._table.touch(np.array(rows), self._added_at, weights)
        self._added.clear()
