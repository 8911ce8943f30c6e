"""The stage of queries: statistics of each, slow ones, repeated ones."""

from collections.abc import Iterator

from sidecar.codec.peer.ids import trace_id_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.queries.finder import QueryFinder
from sidecar.spans.queries.nplusone import NPlusOne
from sidecar.spans.queries.statistics import SEVERITIES
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.window.columns import Rows

SLOW = Family(
    "sidecar_slow_queries_total",
    MetricType.COUNTER,
    "Calls to databases that took long, by how long: slow, warning or critical.",
    ("service", "severity"),
)
EVICTED = Family(
    "sidecar_queries_evicted_total", MetricType.COUNTER, "Queries whose statistics made room for those of newer ones."
)


def query_stage(context: StageContext) -> "QueryStage":
    """Return the stage."""
    return QueryStage(context)


class QueryStage:
    """Stage that gives the calls to databases in a batch to all who look at queries, and its spans to the window."""

    def __init__(self, context: StageContext) -> None:
        config, budget, memory = context.config, context.budget, context.insights.queries
        self._memory = memory
        self._window = context.window
        self._rows = Rows()
        self._finder = QueryFinder(memory.statistics, memory.redactor.statement)
        limits = config.limits(samples_per_series=1)._replace(series_per_service=len(SEVERITIES))
        self._slow = CountedSeries(SLOW, limits, budget)
        self._nplusone = NPlusOne(context)

    def feed(self, spans: ObservedSpans) -> None:
        """Take note of the calls in a batch."""
        calls = self._finder.find(spans)
        places = calls.places
        if calls.queries:
            slow = self._memory.statistics.add(
                calls.queries,
                spans.durations_seconds[places],
                spans.fails[places],
                spans.weights_at(places),
                spans.received_at,
            )
            for call in slow:
                call.query.slow_trace_id = trace_id_of(calls.spans[call.place].trace_id)
                self._slow.add(call.query.service, {"severity": call.severity}, call.weight, spans.received_at)
                self._memory.tell_slow(call)
        self._window.add(*self._rows.of(spans, calls), spans.received_at)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the metrics about queries at Unix time `now`."""
        yield from self._slow.samples(now)
        yield FamilySamples(EVICTED, [Sample(EVICTED.name, (), self._memory.statistics.evicted)])
        yield from self._nplusone.samples(now)
