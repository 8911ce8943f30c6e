"""A counter whose series come one by one, for what is rare among spans: errors, findings, slow queries."""

from collections.abc import Iterator, Mapping

import numpy as np

from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.spans.limits import Budget, Limits
from sidecar.spans.series import OVERFLOWED, SeriesTable, grown, overflowed

_SHARE = 10


class CountedSeries:
    """The series of a counter with the label `service`, within limits, until they expire.

    They come late and are few: what other metrics left of the budget must not decide whether they have labels, so their
    part of it is set aside from the start.
    """

    def __init__(self, family: Family, limits: Limits, budget: Budget) -> None:
        self._family = family
        most = min(limits.services * limits.series_per_service, budget.left // _SHARE)
        self._table = SeriesTable("service", limits, budget.split(most))
        self._counts = np.zeros(0)

    def add(self, service: str, labels: Mapping[str, str], weight: float, now: float) -> None:
        """Add `weight` to the series at Unix time `now`."""
        row = self._table.row_of(service, labels)
        self._counts = grown(self._counts, row + 1)
        self._counts[row] += weight
        self._table.touch(np.array([row]), now, np.array([weight]))

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts, and how much went to overflow series; `now` is when series may have expired.

        They are a thousand or so: one part, and all shown at once.
        """
        kept = self._table.expire(now)
        if kept is not None:
            self._counts = self._counts[kept]
        name = self._family.name
        pairs = zip(self._table.labels, self._counts.tolist(), strict=False)
        yield FamilySamples(self._family, [Sample(name, labels, count) for labels, count in pairs])
        yield FamilySamples(OVERFLOWED, [overflowed(name, self._table.overflowed)])
