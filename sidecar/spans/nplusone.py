"""Looking at the calls of each request for queries that are repeated."""

from collections import Counter
from collections.abc import Iterator
from operator import attrgetter

from sidecar.derive.limits import Budget
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.spans.calls import NO_ROUTE
from sidecar.spans.config import SpansConfig
from sidecar.spans.counted import CountedSeries
from sidecar.spans.queries.config import NPlusOneConfig
from sidecar.spans.queries.findings import Kind, Repeated
from sidecar.spans.queries.memory import QueryMemory
from sidecar.spans.window.due import DueSpans, Why, asked_of
from sidecar.spans.window.repetition import Least, calls_per_query, repetitions
from sidecar.spans.window.rows import Places, What, name_of
from sidecar.spans.window.statements import statements_of
from sidecar.spans.window.window import Window

_ROUTES_PER_SERVICE = 20

NPLUSONE = Family(
    "sidecar_nplusone_total",
    MetricType.COUNTER,
    "Requests that asked one query again and again, one call after the other.",
    ("service", "route"),
)
DROPPED = Family(
    "sidecar_nplusone_spans_dropped_total",
    MetricType.COUNTER,
    "Spans that were not looked at for repeated queries: no request came for them, or there was no room.",
    ("reason",),
)
EARLY = Family(
    "sidecar_nplusone_early_traces_total",
    MetricType.COUNTER,
    "Requests looked at for repeated queries before the grace was over, to make room.",
)


class NPlusOne:
    """Judge that finds queries which are repeated for a request; what it finds is kept in the memory of queries."""

    def __init__(self, config: SpansConfig, budget: Budget, memory: QueryMemory, window: Window) -> None:
        self._memory = memory
        self._window = window
        limits = config.limits(samples_per_series=1)._replace(series_per_service=_ROUTES_PER_SERVICE)
        self._counts = CountedSeries(NPLUSONE, limits, budget)
        self._dropped = Counter(dict.fromkeys(Why, 0))
        self._window.tell(self)

    def judge(self, due: DueSpans, now: float) -> None:
        """Look for queries that are repeated, and for which requests each was asked."""
        statements = statements_of(due)
        if not len(statements):
            return
        self._count_dropped(due, statements)
        shown, routes = self._memory.shown, dict[What, str]()
        for what, query, calls in calls_per_query(due, statements):
            if what not in routes:
                routes[what] = shown(_route_of(what))
            query.called_for(routes[what], calls)
        for found in repetitions(due, statements, _least(self._memory.config.n_plus_one), shown):
            service, what = due.requests[found.request]
            route, trace_id = shown(_route_of(what)), due.trace_id(int(found.places[0])).hex()
            told = Repeated(
                found.kind, service, route, found.caller, found.query, len(found.places), found.seconds, trace_id
            )
            self._memory.findings.add(told, now)
            if found.kind is Kind.N_PLUS_ONE:
                self._counts.add(service, {"route": route}, 1.0, now)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts at Unix time `now`."""
        yield from self._counts.samples(now)
        dropped = self._dropped.items()
        yield FamilySamples(DROPPED, [Sample(DROPPED.name, (("reason", why),), count) for why, count in dropped])
        yield FamilySamples(EARLY, [Sample(EARLY.name, (), self._window.early)])

    def _count_dropped(self, due: DueSpans, statements: Places) -> None:
        """Count the calls that might be repeated of somebody whose request is not known."""
        lost = statements[(due.request[statements] < 0) & (due.rows.parent_id[statements] != 0)]
        self._dropped[due.why] += int(asked_of(due).about(lost, attrgetter("may_repeat")).sum())


def _route_of(what: What) -> str:
    if isinstance(what, bytes) or what.route == NO_ROUTE:
        return name_of(what)
    return f"{what.method} {what.route}".strip()


def _least(config: NPlusOneConfig) -> Least:
    return Least(config.min_calls, config.min_calls_cache, config.min_seconds)
