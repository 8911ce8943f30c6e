"""Series of derived metrics: label sets with limits, and the way from a span's shape to its series."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.model.family import Family, MetricType, Sample
from sidecar.model.labels import Labels, labels_of
from sidecar.spans.shape import ObservedSpans, SpanShape

OVERFLOW_LABEL = "otel_metric_overflow"
NEW_SAMPLES = 500
"""Samples of new series that a metric shows in one read: storing them takes 5 us each, ten times what it does later."""
PART_SAMPLES = 1000
"""Samples that a stage makes in one step: about 1 ms, and 2 ms more for whoever encodes them."""

OVERFLOWED = Family(
    "sidecar_spans_overflowed_total",
    MetricType.COUNTER,
    "Spans and errors added to an overflow series, because their metric had reached its series limit.",
    ("metric",),
)

Rows = NDArray[np.int64]
LabelsOf = Callable[[SpanShape], Mapping[str, str] | None]
"""The labels of a shape without its service; None if the metric has nothing to say about such spans."""


class Limits(NamedTuple):
    """How many services a metric has, how many label sets each of them, and how many samples a label set is."""

    services: int
    series_per_service: int
    samples_per_series: int


class Budget:
    """Samples that all metrics of a pipeline may have together; what is taken is never given back.

    `hidden` is how many series were added and not shown yet.
    """

    def __init__(self, samples: int) -> None:
        self.left = samples
        self.hidden = 0

    def take(self, samples: int) -> bool:
        """Take `samples` if there are as many left; return whether."""
        if samples > self.left:
            return False
        self.left -= samples
        return True

    def split(self, samples: int) -> "Budget":
        """Return a budget of its own of at most `samples`, taken from this one."""
        samples = min(samples, self.left)
        self.left -= samples
        return Budget(samples)


class SeriesTable:
    """The label sets of one metric, numbered.

    Beyond the limit of a service, or of the budget, the service's overflow series takes the rest; beyond the limit of
    services, or when the budget has no room for that either, one overflow series without a service does, for which
    room is kept from the start. Both carry `otel_metric_overflow="true"`.
    """

    def __init__(self, service_label: str, limits: Limits, budget: Budget) -> None:
        self.labels: list[Labels] = []
        self.overflow_rows: list[int] = []
        self._service_label = service_label
        self._limits = limits
        self._budget = budget
        self._shown = 0
        budget.take(limits.samples_per_series + 1)  # the last overflow series, and what counts it
        self._rows: dict[Labels, int] = {}
        self._overflow: dict[str, int] = {}
        self._per_service: Counter[str] = Counter()

    def row_of(self, service: str, labels: Mapping[str, str]) -> int:
        """Return the row of the series, which may be an overflow series."""
        full = labels_of({**labels, self._service_label: service})
        row = self._rows.get(full)
        if row is not None:
            return row
        if service not in self._per_service and len(self._per_service) >= self._limits.services:
            return self._overflow_row("")
        if self._per_service[service] < self._limits.series_per_service and self._has_room():
            self._per_service[service] += 1
            return self._add(full)
        return self._overflow_row(service)

    def show(self) -> int:
        """Return how many rows, the first ones, are to be shown: at most NEW_SAMPLES more than the last time."""
        new = min(len(self.labels) - self._shown, max(NEW_SAMPLES // self._limits.samples_per_series, 1))
        self._shown += new
        self._budget.hidden -= new
        return self._shown

    def _overflow_row(self, service: str) -> int:
        row = self._overflow.get(service)
        if row is not None:
            return row
        if service and not self._has_room():
            return self._overflow_row("")
        row = self._overflow[service] = self._add(labels_of({self._service_label: service, OVERFLOW_LABEL: "true"}))
        self.overflow_rows.append(row)
        return row

    def _has_room(self) -> bool:
        return self._budget.take(self._limits.samples_per_series)

    def _add(self, labels: Labels) -> int:
        row = self._rows[labels] = len(self.labels)
        self.labels.append(labels)
        self._budget.hidden += 1
        return row


class ShapeRows:
    """Rows of a SeriesTable for whole batches: each shape is asked for its labels once."""

    def __init__(self, table: SeriesTable, labels_of_shape: LabelsOf) -> None:
        self._table = table
        self._labels_of = labels_of_shape
        self._shapes: Sequence[SpanShape] = ()
        self._rows: Rows = np.empty(0, np.int64)

    def of(self, spans: ObservedSpans) -> Rows:
        """Return the row of each span; -1 where the metric has nothing to say."""
        if spans.shapes is not self._shapes:
            self._shapes, self._rows = spans.shapes, np.empty(0, np.int64)
        if len(self._rows) < len(spans.shapes):
            new = [self._row_of(shape) for shape in spans.shapes[len(self._rows) :]]
            self._rows = np.concatenate([self._rows, np.array(new, np.int64)])
        return self._rows[spans.indexes]

    def _row_of(self, shape: SpanShape) -> int:
        labels = self._labels_of(shape)
        return -1 if labels is None else self._table.row_of(shape.service, labels)


def overflowed(metric: str, count: float) -> Sample:
    """Return the sample that says how much of `metric` went to overflow series."""
    return Sample(OVERFLOWED.name, (("metric", metric),), count)
