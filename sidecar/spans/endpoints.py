"""How endpoints did over the last five minutes: their rate, failures, slowness, and what they asked of databases."""

from collections.abc import Iterator, Sequence

import numpy as np

from sidecar.derive.limits import Budget
from sidecar.derive.series import Floats, Rows, SeriesTable
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.sketch.sums import SlidingSums
from sidecar.sketch.window import Window
from sidecar.spans.attribution import Attribution, Key
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.latency import endpoint_labels
from sidecar.spans.per_shape import PerShape
from sidecar.spans.rows import ShapeRows
from sidecar.spans.shape import ObservedSpans, SpanShape
from sidecar.spans.stage import PART_SAMPLES, overflowed

WINDOW = Window(300, 10)
TOLERATED_TIMES = 4
"""Apdex: what takes up to four times as long as what satisfies is tolerated and counts half."""
_MIN_SECONDS = 1.0

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
    "Database and cache calls that no request came for within one to two minutes.",
)

_REQUESTS, _FAILED, _SLOW, _SATISFIED, _TOLERATED, _CALLS, _SECONDS = range(7)


def endpoint_gauges(context: StageContext) -> "EndpointGauges":
    """Return the stage."""
    return EndpointGauges(context.config, context.budget)


class EndpointGauges:
    """Stage that sums up the requests of each endpoint and the database calls that were made for them."""

    def __init__(self, config: SpansConfig, budget: Budget) -> None:
        self._apdex_seconds = config.apdex_seconds
        self._slow_seconds = config.slow_seconds
        self._table = SeriesTable("service", config.limits(len(FAMILIES)), budget)
        budget.take(1)  # what counts the unattributed
        self._rows = ShapeRows(self._table, endpoint_labels)
        self._is_call = PerShape(_is_call, np.bool_)
        self._attribution = Attribution()
        self._sums = SlidingSums(WINDOW, 7)

    def feed(self, spans: ObservedSpans) -> None:
        """Sum up the requests of a batch and the calls for them."""
        places, rows = self._rows.of(spans)
        self._sums.make_room(len(self._table.labels))
        if len(places):
            self._add_requests(spans, places, rows)
        self._attribution.turn(spans.received_at)
        for row, calls, seconds in self._attribution.enter(_keys(spans, places), rows.tolist()):
            self._sums.add(spans.received_at, np.array([row]), _CALLS, np.array([[calls, seconds]]))
        self._add_calls(spans)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the gauges over the window that ends at `now`; an endpoint without a request in it is absent."""
        kept = self._rows.expire(now)
        if kept is not None:
            self._sums.keep(kept)
            self._attribution.forget()
        labels = self._table.labels
        sums = self._sums.read(now)[: self._table.show()]
        rows = np.flatnonzero(sums[:, _REQUESTS] > 0)
        values = _gauges(sums[rows], max(self._sums.seconds(now), _MIN_SECONDS))
        for family, column in zip(FAMILIES, values, strict=True):
            for first in range(0, max(len(rows), 1), PART_SAMPLES):
                part = slice(first, first + PART_SAMPLES)
                pairs = zip(rows[part].tolist(), column[part].tolist(), strict=True)
                yield FamilySamples(family, [Sample(family.name, labels[row], value) for row, value in pairs])
        yield FamilySamples(UNATTRIBUTED, [Sample(UNATTRIBUTED.name, (), self._attribution.lost)])
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

    def _add_calls(self, spans: ObservedSpans) -> None:
        places = self._is_call.of(spans)[spans.indexes].nonzero()[0]
        if not len(places):
            return
        keys = _keys(spans, places)
        rows = self._attribution.rows_of(keys)
        counts = np.ones((len(places), 2))
        counts[:, 1] = spans.durations_seconds[places]
        calls = _weighted(counts, spans, places)
        unknown = (rows < 0).nonzero()[0]
        if len(unknown):
            self._attribution.wait([keys[place] for place in unknown.tolist()], calls[unknown])
            known = (rows >= 0).nonzero()[0]
            rows, calls = rows[known], calls[known]
        self._sums.add(spans.received_at, rows, _CALLS, calls)


def _is_call(shape: SpanShape) -> bool:
    """Return whether these are calls to a database that no driver made of itself."""
    return shape.database_call is not None and not shape.by_driver


def _keys(spans: ObservedSpans, places: Rows) -> list[Key]:
    services = [spans.shapes[index].service for index in spans.indexes[places].tolist()]
    return [*zip(spans.trace_ids_at(places), services, strict=True)]


def _weighted(counts: Floats, spans: ObservedSpans, places: Rows) -> Floats:
    weights = spans.weights_at(places)
    return counts if weights is None else counts * weights[:, None]


def _gauges(sums: Floats, seconds: float) -> Sequence[Floats]:
    """Return the columns of FAMILIES for rows of sums that have a request each."""
    requests = sums[:, _REQUESTS]
    apdex = (sums[:, _SATISFIED] + sums[:, _TOLERATED] / 2) / requests
    ratios = {column: sums[:, column] / requests for column in (_FAILED, _SLOW, _CALLS, _SECONDS)}
    return (requests / seconds, ratios[_FAILED], ratios[_SLOW], apdex, ratios[_CALLS], ratios[_SECONDS])
