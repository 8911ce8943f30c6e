"""How endpoints did over the last five minutes: their rate, failures, slowness, and what they asked of databases."""

from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.derive.series import Floats, PartNames, Rows, SeriesTable
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.sketch.sums import SlidingSums
from sidecar.sketch.window import Window as SlidingWindow
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.latency import endpoint_labels
from sidecar.spans.rows import ShapeRows
from sidecar.spans.shape import ObservedSpans, SpanShape
from sidecar.spans.stage import PART_SAMPLES, overflowed
from sidecar.spans.window.due import DueSpans, asked_of
from sidecar.spans.window.rows import NO
from sidecar.spans.window.statements import statements_of
from sidecar.spans.window.table import Request
from sidecar.spans.window.window import Window

SUMMED = SlidingWindow(300, 10)
TOLERATED_TIMES = 4
"""Apdex: what takes up to four times as long as what satisfies is tolerated and counts half."""
_MIN_SECONDS = 1.0
_REMEMBERED = 5000
"""Shapes whose row is remembered."""

_LABELS = ("service", "method", "route")


def _gauge(name: str, help_text: str) -> Family:
    return Family(f"sidecar_endpoint_{name}", MetricType.GAUGE, f"{help_text}, over the last 5 minutes.", _LABELS)


RATE = _gauge("requests_per_second", "Requests that an endpoint answered")
ERRORS = _gauge("error_ratio", "Share of an endpoint's requests that failed")
SLOW = _gauge("slow_ratio", "Share of an endpoint's requests that took longer than `slow_seconds`")
APDEX = _gauge("apdex_ratio", "Apdex of an endpoint: 1 if all its requests succeeded within `apdex_seconds`")
DB_CALLS = _gauge("db_calls_per_request", "Database and cache calls that an endpoint made per request")
DB_SECONDS = _gauge("db_seconds_per_request", "Time that an endpoint's database and cache calls took per request")
FAMILIES = (RATE, ERRORS, SLOW, APDEX, DB_CALLS, DB_SECONDS)

UNATTRIBUTED = Family(
    "sidecar_endpoint_db_calls_unattributed_total",
    MetricType.COUNTER,
    "Database and cache calls that were made for no endpoint, or whose request did not come.",
)

_REQUESTS, _FAILED, _SLOW, _SATISFIED, _TOLERATED, _JUDGED, _CALLS, _SECONDS = range(8)
"""Calls belong to the requests that were judged: as many as there are up to then, and not all that came."""


def endpoint_gauges(context: StageContext) -> "EndpointGauges":
    """Return the stage."""
    return EndpointGauges(context.config, context.budget, context.window)


class EndpointGauges:
    """Stage that sums up the requests of each endpoint, and judge that does so with the calls made for them.

    A call belongs to the local root that it is below, and so to the endpoint of that, however many requests a trace
    has. What a driver asks of itself is no call of a request.
    """

    def __init__(self, config: SpansConfig, budget: Budget, window: Window) -> None:
        self._apdex_seconds = config.apdex_seconds
        self._slow_seconds = config.slow_seconds
        self._table = SeriesTable("service", config.limits(len(FAMILIES)), budget)
        budget.take(1)  # what counts the unattributed
        self._rows = ShapeRows(self._table, endpoint_labels)
        self._row_of_shape: dict[SpanShape, int] = {}
        self._part_names = PartNames()
        self._unattributed = 0.0
        self._sums = SlidingSums(SUMMED, 8)
        self._window = window
        self._window.tell(self)

    def feed(self, spans: ObservedSpans) -> None:
        """Sum up the requests of a batch."""
        places, rows = self._rows.of(spans)
        self._sums.make_room(len(self._table.labels))
        if len(places):
            self._add_requests(spans, places, rows)

    def judge(self, due: DueSpans, now: float) -> None:
        """Sum up the calls of requests."""
        rows = np.array([*map(self._row_of, due.requests), NO], np.int64)  # the last one is for NO
        self._table.touch(rows[rows >= 0], now, np.zeros(int((rows >= 0).sum())))
        self._sums.make_room(len(self._table.labels))
        calls = statements_of(due)
        calls = calls[~asked_of(due).about(calls, attrgetter("by_driver"))]
        entrances = (due.tops == np.arange(len(due.tops))).nonzero()[0]
        weights, seconds, number = due.rows.weight, due.rows.seconds, due.request % len(rows)
        facts = (entrances, weights[entrances]), (calls, weights[calls]), (calls, weights[calls] * seconds[calls])
        counts: Floats = np.stack([np.bincount(number[of], values, len(rows)) for of, values in facts], axis=1)
        self._unattributed += counts[rows < 0, 1].sum().item()
        self._sums.add(now, rows[rows >= 0], _JUDGED, counts[rows >= 0])

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the gauges over the window that ends at `now`; an endpoint without a request in it is absent.

        So is one of which no request was judged, where it is about calls.
        """
        while self._window.tick(now):
            yield FamilySamples(DB_CALLS, [])
        kept = self._rows.expire(now)
        if kept is not None:
            self._sums.keep(kept)
            self._row_of_shape.clear()
        labels = self._table.labels
        sums = self._sums.read(now)[: len(labels)]
        seconds = max(self._sums.seconds(now), _MIN_SECONDS)
        for family, rows, column in _gauges(sums, seconds):
            for first in range(0, max(len(rows), 1), PART_SAMPLES):
                part = rows[first : first + PART_SAMPLES]
                names = partial(_names_of, family, labels, part)
                series = self._part_names.of((family.name, first), self._table.ids[part], names)
                yield FamilySamples(family, SampleColumns(series, column[first : first + PART_SAMPLES]))
        yield FamilySamples(UNATTRIBUTED, [Sample(UNATTRIBUTED.name, (), self._unattributed)])
        yield overflowed(RATE.name, self._table.overflowed)

    def _add_requests(self, spans: ObservedSpans, places: Rows, rows: Rows) -> None:
        durations, fails = spans.durations_seconds[places], spans.fails[places]
        satisfied = ~fails & (durations <= self._apdex_seconds)
        counts = np.empty((len(places), 5))
        counts[:, _REQUESTS] = 1.0
        counts[:, _FAILED] = fails
        counts[:, _SLOW] = durations > self._slow_seconds
        counts[:, _SATISFIED] = satisfied
        counts[:, _TOLERATED] = ~fails & ~satisfied & (durations <= TOLERATED_TIMES * self._apdex_seconds)
        self._sums.add(spans.received_at, rows, _REQUESTS, _weighted(counts, spans, places))

    def _row_of(self, request: Request) -> int:
        """Return the row of the endpoint that a request is to, NO if it is to none."""
        shape = request.what
        if isinstance(shape, bytes):
            return NO
        row = self._row_of_shape.get(shape)
        if row is None:
            if len(self._row_of_shape) >= _REMEMBERED:
                self._row_of_shape.clear()
            labels = endpoint_labels(shape)
            row = NO if labels is None else self._table.row_of(shape.service, labels)
            self._row_of_shape[shape] = row
        return row


def _names_of(family: Family, labels: Sequence[Labels], rows: Rows) -> SeriesNames:
    return SeriesNames([family.name] * len(rows), [labels[row] for row in rows.tolist()])


def _weighted(counts: Floats, spans: ObservedSpans, places: Rows) -> Floats:
    weights = spans.weights_at(places)
    return counts if weights is None else counts * weights[:, None]


def _gauges(sums: Floats, seconds: float) -> Iterator[tuple[Family, Rows, Floats]]:
    """Yield each of FAMILIES, the rows that have something to show, and what that is."""
    came, judged = np.flatnonzero(sums[:, _REQUESTS] > 0), np.flatnonzero(sums[:, _JUDGED] > 0)
    of = sums[came]
    requests = of[:, _REQUESTS]
    yield RATE, came, requests / seconds
    yield ERRORS, came, of[:, _FAILED] / requests
    yield SLOW, came, of[:, _SLOW] / requests
    yield APDEX, came, (of[:, _SATISFIED] + of[:, _TOLERATED] / 2) / requests
    for family, column in ((DB_CALLS, _CALLS), (DB_SECONDS, _SECONDS)):
        yield family, judged, sums[judged, column] / sums[judged, _JUDGED]
