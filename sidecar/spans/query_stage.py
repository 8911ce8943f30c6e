"""The stage of queries: statistics of each, slow ones, repeated ones."""

from collections.abc import Iterator

from sidecar.derive.limits import Budget
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.nplusone import NPlusOne
from sidecar.spans.queries.finder import QueryFinder
from sidecar.spans.queries.memory import QueryMemory
from sidecar.spans.queries.statistics import SEVERITIES
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.window.columns import Rows
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.statements import statements_of
from sidecar.spans.window.window import Window

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
    return QueryStage(context.config, context.budget, context.insights.queries, context.window)


class QueryStage:
    """Stage that finds queries and gives the spans of a batch to the window; judge that counts calls."""

    def __init__(self, config: SpansConfig, budget: Budget, memory: QueryMemory, window: Window) -> None:
        self._memory = memory
        self._window = window
        self._rows = Rows()
        self._finder = QueryFinder(memory.statistics, memory.redactor.statement)
        limits = config.limits(samples_per_series=1)._replace(series_per_service=len(SEVERITIES))
        self._slow = CountedSeries(SLOW, limits, budget)
        self._window.tell(self)
        self._nplusone = NPlusOne(config, budget, memory, window)

    def feed(self, spans: ObservedSpans) -> None:
        """Find the queries in a batch, and let its spans wait until it is known which of them are calls."""
        calls = self._finder.find(spans)
        self._memory.statistics.keep_limits(spans.received_at)
        self._window.add(*self._rows.of(spans, calls), spans.received_at)

    def judge(self, due: DueSpans, now: float) -> None:
        """Count calls, each statement once."""
        calls, rows = statements_of(due), due.rows
        if not len(calls):
            return
        slow = self._memory.statistics.add(
            rows.query[calls].tolist(), rows.seconds[calls], rows.fails[calls], rows.weight[calls], now
        )
        for call in slow:
            call.query.slow_trace_id = due.trace_id(int(calls[call.place]))
            self._slow.add(call.query.service, {"severity": call.severity}, call.weight, now)
            self._memory.tell_slow(call)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the metrics about queries at Unix time `now`."""
        while self._window.tick(now):
            yield FamilySamples(SLOW, [])
        yield from self._slow.samples(now)
        yield FamilySamples(EVICTED, [Sample(EVICTED.name, (), self._memory.statistics.evicted)])
        yield from self._nplusone.samples(now)
