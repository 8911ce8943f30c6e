"""/api/v1/queries: the queries that spans tell of, how often they were asked and how long they took."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.moment import moment_of
from sidecar.api.json.paging import Key
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Item, ListQuery, Resource, View
from sidecar.api.json.trace_links import TraceLinks
from sidecar.spans.queries.statistics import SEVERITIES, QueryFacts, Severity


class SlowCalls(BaseModel):
    """Calls that took long, each counted once."""

    slow: float = Field(description="Over `queries.slow_seconds`, and less than a warning.")
    warning: float = Field(description="`queries.warning_seconds` and more.")
    critical: float = Field(description="Over `queries.critical_seconds`.")


class RouteCalls(BaseModel):
    """Calls that were made for one kind of request."""

    route: str = Field(description="The request, as in `GET /orders/{id}`; `(other)` for those beyond the first 20.")
    calls: int = Field(description="Calls.")


class Query(Item):
    """What calls have in common that differ only in values; those of sampled traces count as many as they stand for."""

    service: str = Field(description="The service that asks.")
    system: str = Field(description="What it asks, as `db.system.name` says it.")
    statement: str = Field(description="The text without values.")
    by_driver: bool = Field(
        description="Whether the driver or its pool sent it of itself, to check or reset a connection, for settings or "
        "the catalogue. Such queries come after all others, and count in no request."
    )
    calls: float = Field(description="Calls.")
    errors: float = Field(description="Calls that failed.")
    total_seconds: float = Field(description="What all calls took together.")
    mean_seconds: float = Field(description="What a call took on average.")
    p50_seconds: float = Field(description="Half of the calls took at most that, within 4.4 %.")
    p95_seconds: float = Field(description="95 % did.")
    p99_seconds: float = Field(description="99 % did.")
    longest_seconds: float = Field(description="What the longest call took.")
    slow: SlowCalls = Field(description="Calls that took long.")
    severity: Severity | None = Field(description="The worst that a call was; null if none was slow.")
    slow_trace_id: str = Field(description="Trace of the latest slow call in hex; empty if there was none.")
    slow_trace: str | None = Field(description="Path of this trace among the `/traces`; null if it is not kept.")
    routes: list[RouteCalls] = Field(description="The requests that it was asked for, that with most calls first.")
    first_seen: datetime = Field(description="When the first call came.")
    last_seen: datetime = Field(description="When the last call came.")


class Bucket(BaseModel):
    """Calls that took about as long."""

    up_to_seconds: float = Field(description="What they took at most; they took more than 92 % of it.")
    calls: float = Field(description="Calls.")


class QueryHistogram(BaseModel):
    """How long the calls of a query took."""

    buckets: list[Bucket] = Field(description="Those that have calls, the quickest first.")


class QueriesQuery(ListQuery):
    """What queries may be asked for by, and sorted by; the largest comes first."""

    service: str | None = Field(None, max_length=256, description="Only queries of this service.")
    system: str | None = Field(None, max_length=256, description="Only queries to this system, such as `postgresql`.")
    severity: Severity | None = Field(None, description="Only queries whose worst call was that.")
    by_driver: bool | None = Field(
        None, description="Only queries that drivers send of themselves, or only the others."
    )
    sort: Literal["total_seconds", "mean_seconds", "longest_seconds", "calls", "errors", "last_seen"] = Field(
        "total_seconds", description="What the list is sorted by."
    )


_COLUMNS = {"total_seconds": "seconds"}


def queries_resource(context: ResourceContext) -> Resource[QueriesQuery]:
    """Return the resource of the queries, with links to those slow traces that are kept."""
    statistics, links, wall = context.insights.queries.statistics, context.links, context.insights.wall
    records = Records(
        statistics.all, statistics.get, _fits, _key, lambda facts: _shown(facts, links, wall), context.clock
    )
    return Resource(
        "queries",
        "Queries of the app to databases and caches, that which took most time first.",
        Query,
        QueriesQuery,
        records.keys,
        records.get,
        {"histogram": View("How long its calls took.", QueryHistogram, records.view(_histogram))},
    )


def _key(facts: QueryFacts, query: QueriesQuery) -> Key:
    value = float(getattr(facts, _COLUMNS.get(query.sort, query.sort)))
    # below all others, and in their order among each other
    return -1 / (1 + value) if facts.query.by_driver else value, facts.query.fingerprint


def _histogram(facts: QueryFacts) -> QueryHistogram:
    return QueryHistogram(buckets=[Bucket(up_to_seconds=bound, calls=calls) for bound, calls in facts.histogram])


def _shown(facts: QueryFacts, links: TraceLinks, wall: Callable[[float], float]) -> Query:
    query, quantiles, slow_trace_id = facts.query, facts.quantiles, facts.query.slow_trace_id.hex()
    return Query(
        id=query.fingerprint,
        service=query.service,
        system=query.system,
        statement=query.statement,
        by_driver=query.by_driver,
        calls=facts.calls,
        errors=facts.errors,
        total_seconds=facts.seconds,
        mean_seconds=facts.mean_seconds,
        p50_seconds=quantiles[0.5],
        p95_seconds=quantiles[0.95],
        p99_seconds=quantiles[0.99],
        longest_seconds=facts.longest_seconds,
        slow=SlowCalls(**facts.slow),
        severity=_severity(facts),
        slow_trace_id=slow_trace_id,
        slow_trace=links.path_of(slow_trace_id),
        routes=[
            RouteCalls(route=route, calls=calls)
            for route, calls in sorted(query.routes.items(), key=lambda pair: -pair[1])
        ],
        first_seen=moment_of(wall(facts.first_seen)),
        last_seen=moment_of(wall(facts.last_seen)),
    )


def _fits(facts: QueryFacts, query: QueriesQuery) -> bool:
    return (
        query.service in (None, facts.query.service)
        and query.system in (None, facts.query.system)
        and query.severity in (None, _severity(facts))
        and query.by_driver in (None, facts.query.by_driver)
    )


def _severity(facts: QueryFacts) -> Severity | None:
    return next((severity for severity in reversed(SEVERITIES) if facts.slow[severity]), None)
