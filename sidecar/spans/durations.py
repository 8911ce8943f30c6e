"""A counter and an explicit histogram of durations over some of the spans: the RED part of most span metrics."""

from collections.abc import Iterator
from typing import NamedTuple

from sidecar.derive.limits import Budget
from sidecar.derive.series import PartNames, SeriesTable
from sidecar.model.family import Family, FamilySamples
from sidecar.spans.config import SpansConfig
from sidecar.spans.exemplars import Traced
from sidecar.spans.histogram import Histogram, counted
from sidecar.spans.rows import LabelsOf, ShapeRows
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.stage import overflowed

HTTP_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""OpenTelemetry's bounds for HTTP and messaging, in seconds."""


class CountAndDurations(NamedTuple):
    """The two families of a stage, and the label that holds the service.

    `calls` is None where the count of the histogram is all there is. `bounds` are those of the histogram where the
    configuration has none, in its own unit, of which `unit_per_second` are a second.
    """

    calls: Family | None
    durations: Family
    service_label: str
    bounds: tuple[float, ...] = HTTP_BOUNDS
    unit_per_second: float = 1.0


class DurationMetrics:
    """Stage that counts and times the spans that `labels_of_shape` has labels for, added to the service's."""

    def __init__(
        self, families: CountAndDurations, labels_of_shape: LabelsOf, config: SpansConfig, budget: Budget
    ) -> None:
        self._calls, self._durations, service_label, bounds, unit_per_second = families
        if config.buckets_seconds is not None:
            bounds = tuple(bound * unit_per_second for bound in config.buckets_seconds)
        self._histogram = Histogram(self._durations, bounds, unit_per_second)
        samples_per_series = self._histogram.samples_per_row + (self._calls is not None)
        self._table = SeriesTable(service_label, config.limits(samples_per_series), budget)
        self._rows = ShapeRows(self._table, labels_of_shape)
        self._part_names = PartNames()

    def feed(self, spans: ObservedSpans) -> None:
        """Count the spans of a batch."""
        places, rows = self._rows.of(spans)
        if not len(places):
            return

        def ids_of(number: int) -> tuple[bytes, bytes]:
            at = int(spans.places[places[number]])
            return spans.columns.trace_id(at), spans.columns.id_of(at)

        self._histogram.make_room(len(self._table.labels))
        traced = Traced(spans.durations_seconds[places], spans.received_at, spans.wall_at, ids_of)
        self._histogram.add(rows, traced, spans.weights_at(places))

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield both families in parts, all of this moment, and how much went to overflow series, shown yet or not.

        `now` is when series may have expired.
        """
        kept = self._rows.expire(now)
        if kept is not None:
            self._histogram.keep(kept)
        columns = self._histogram.columns(len(self._table.labels))
        if self._calls is not None:
            yield from counted(self._calls, columns[:, -1], self._table, self._part_names)
        yield from self._histogram.samples(columns, self._table)
        name = (self._calls or self._durations).name
        yield overflowed(name, self._table.overflowed)
