"""The stage of queries: statistics of each, slow ones, repeated ones."""

from collections.abc import Iterator

from sidecar.derive.limits import Budget
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.queries.finder import QueryFinder
from sidecar.spans.queries.memory import QueryMemory
from sidecar.spans.queries.nplusone import NPlusOne
from sidecar.spans.queries.statistics import SEVERITIES
from sidecar.spans.shape import ObservedSpans

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
    return QueryStage(context.config, context.budget, context.insights.queries)


class QueryStage:
    """Stage that gives the calls to databases in a batch to all who look at queries."""

    def __init__(self, config: SpansConfig, budget: Budget, memory: QueryMemory) -> None:
        self._memory = memory
        self._finder = QueryFinder(memory.statistics, memory.redactor.statement)
        limits = config.limits(samples_per_series=1)._replace(series_per_service=len(SEVERITIES))
        self._slow = CountedSeries(SLOW, limits, budget)
        self._nplusone = NPlusOne(config, budget, memory)

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
                call.query.slow_trace_id = spans.columns.trace_id(int(spans.places[places[call.place]]))
                self._slow.add(call.query.service, {"severity": call.severity}, call.weight, spans.received_at)
                self._memory.tell_slow(call)
        self._nplusone.feed(spans, calls)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the metrics about queries at Unix time `now`."""
        yield from self._slow.samples(now)
        yield FamilySamples(EVICTED, [Sample(EVICTED.name, (), self._memory.statistics.evicted)])
        yield from self._nplusone.samples(now)
