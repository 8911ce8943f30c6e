"""The series of a derived metric: label sets within limits, each a row until it expires."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.derive.limits import Budget, Limits
from sidecar.model.labels import Labels, labels_of
from sidecar.model.sample_columns import SeriesNames

OVERFLOW_LABEL = "otel_metric_overflow"

_Key = tuple[str, ...]
"""A series by its service and the values of its labels: made for each new shape, where a label set would cost ten times
as much."""

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class SeriesTable:
    """The label sets of one metric, in rows.

    Beyond the limit of a service, or of the budget, the service's overflow series takes the rest; beyond the limit of
    services, or when the budget has no room for that either, one overflow series without a service does, for which
    room is kept from the start. Both carry `otel_metric_overflow="true"`, and `overflowed` counts what goes there.

    A series that is not seen for long gives its row, its labels and its room in the limits back, and the rows after it
    move up. `ids` holds a number for each row that stays, never used twice and rising from row to row.
    """

    def __init__(self, service_label: str, limits: Limits, budget: Budget) -> None:
        self.labels: list[Labels] = []
        self.ids: Rows = np.empty(0, np.int64)
        self.overflowed = 0.0
        self._service_label = service_label
        self._limits = limits
        self._budget = budget
        budget.take(limits.samples_per_series + 1)  # the last overflow series, and what counts it
        self._added = 0
        self._seen: Floats = np.empty(0)
        self._is_overflow: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._keys: list[_Key] = []
        self._rows: dict[_Key, int] = {}
        self._overflow: dict[str, int] = {}
        self._per_service: Counter[str] = Counter()

    @property
    def overflow_rows(self) -> Sequence[int]:
        """The rows of the overflow series."""
        return list(self._overflow.values())

    def row_of(self, service: str, labels: Mapping[str, str]) -> int:
        """Return the row of the series, maybe an overflow series; `labels` must always have the same names in order.

        One of them may be that of services: then it is shown instead, and the limits are those of `service`.
        """
        key = (service, *labels.values())
        row = self._rows.get(key)
        if row is not None:
            return row
        if service not in self._per_service and len(self._per_service) >= self._limits.services:
            return self._overflow_row("")
        if self._per_service[service] < self._limits.series_per_service and self._has_room():
            self._per_service[service] += 1
            return self._add(key, labels_of({self._service_label: service, **labels}))
        return self._overflow_row(service)

    def touch(self, rows: Rows, now: float, weights: Floats | None = None) -> None:
        """Take note that `rows`, each as often as its weight, were seen at Unix time `now`."""
        self._seen[rows] = now
        if self._overflow:
            over = self._is_overflow[rows]
            self.overflowed += float(over.sum() if weights is None else weights[over].sum())

    def expire(self, now: float) -> Rows | None:
        """Let go of the series that were not seen for too long; return which rows stay, None if all do.

        `labels` and `ids` are new objects then, so whoever still reads the old ones is not disturbed.
        """
        seen = self._seen[: len(self.labels)]
        stays = seen >= now - self._limits.expire_after_seconds
        if not self._limits.expire_after_seconds or stays.all():
            return None
        for row in np.flatnonzero(~stays).tolist():
            self._release(row)
        kept = np.flatnonzero(stays)
        moved = dict(zip(kept.tolist(), range(len(kept)), strict=True))
        self.labels = [self.labels[row] for row in moved]
        self._keys = [self._keys[row] for row in moved]
        self.ids, self._seen, self._is_overflow = self.ids[kept], self._seen[kept], self._is_overflow[kept]
        self._rows = {key: row for row, key in enumerate(self._keys)}
        self._overflow = {service: moved[row] for service, row in self._overflow.items()}
        return kept

    def _release(self, row: int) -> None:
        service, of_service = self._keys[row][0], not self._is_overflow[row]
        if of_service:
            self._per_service[service] -= 1
            if not self._per_service[service]:
                del self._per_service[service]
        else:
            del self._overflow[service]
        if of_service or service:
            self._budget.give_back(self._limits.samples_per_series)

    def _overflow_row(self, service: str) -> int:
        row = self._overflow.get(service)
        if row is not None:
            return row
        if service and not self._has_room():
            return self._overflow_row("")
        row = self._add((service,), labels_of({self._service_label: service, OVERFLOW_LABEL: "true"}))
        self._overflow[service] = row
        self._is_overflow[row] = True
        return row

    def _has_room(self) -> bool:
        return self._budget.take(self._limits.samples_per_series)

    def _add(self, key: _Key, labels: Labels) -> int:
        row = self._rows[key] = len(self.labels)
        self.labels.append(labels)
        self._keys.append(key)
        self.ids = grown(self.ids, row + 1)
        self._seen = grown(self._seen, row + 1)
        self._is_overflow = grown(self._is_overflow, row + 1)
        self.ids[row] = self._added
        self._is_overflow[row] = False
        self._added += 1
        return row


class PartNames:
    """The series of each part of a metric, as the same object as long as the part has the same rows."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, tuple[bytes, SeriesNames]] = {}

    def of(self, part: Hashable, ids: Rows, make: Callable[[], SeriesNames]) -> SeriesNames:
        """Return what `make` made for `part` when it had the rows with these `ids` the last time, or makes now."""
        rows = ids.tobytes()
        kept = self._parts.get(part)
        if kept is None or kept[0] != rows:
            kept = self._parts[part] = (rows, make())
        return kept[1]


ScalarT = TypeVar("ScalarT", bound=np.generic)


def grown(column: NDArray[ScalarT], rows: int) -> NDArray[ScalarT]:
    """Return `column` with room for at least `rows` rows, new ones zero; itself if it has that."""
    if rows <= len(column):
        return column
    room = np.zeros((max(64, 2 * rows) - len(column), *column.shape[1:]), column.dtype)
    return np.concatenate([column, room])
