"""/api/v1/query-findings: queries that are asked again and again for one request."""

from collections.abc import Callable
from datetime import datetime

from pydantic import Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.moment import moment_of
from sidecar.api.json.paging import Key
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Item, ListQuery, Resource
from sidecar.api.json.trace_links import TraceLinks
from sidecar.spans.queries.findings import Finding, Kind


class QueryFinding(Item):
    """A span of a service repeats a query while it serves a request."""

    kind: Kind = Field(description="`n_plus_one`, one call after the other, or `fan_out`, many at once.")
    service: str = Field(description="The service that asks.")
    route: str = Field(description="The request, as in `GET /orders/{id}`.")
    caller: str = Field(description="Name of the span that asks.")
    system: str = Field(description="What is asked, as `db.system.name` says it.")
    statement: str = Field(description="The text of the query without values.")
    query: str = Field(description="The `id` of this query among the `/queries`.")
    traces: int = Field(description="Requests in which it was found.")
    calls: int = Field(description="Calls in the one that `trace` shows.")
    most_calls: int = Field(description="The most calls in one of them.")
    seconds: float = Field(description="What these calls took together.")
    trace_id: str = Field(
        description="One of them in hex, which is kept for this; a minute older than the latest at most."
    )
    trace: str | None = Field(description="Path of this trace among the `/traces`; null if none could be kept.")
    first_seen: datetime = Field(description="When the first was found.")
    last_seen: datetime = Field(description="When the latest was found.")


class QueryFindingsQuery(ListQuery):
    """What findings may be asked for by; that seen last comes first."""

    service: str | None = Field(None, max_length=256, description="Only findings in this service.")
    route: str | None = Field(None, max_length=256, description="Only findings in this request.")
    kind: Kind | None = Field(None, description="Only findings of this kind.")
    query: str | None = Field(None, max_length=64, description="Only findings of the query with this `id`.")


def query_findings_resource(context: ResourceContext) -> Resource[QueryFindingsQuery]:
    """Return the resource of the findings about queries, with links to those traces that are kept."""
    findings, links, wall = context.insights.queries.findings, context.links, context.insights.wall
    records = Records(
        lambda: [*findings.newest()], findings.get, _fits, _key, lambda it: _shown(it, links, wall), context.clock
    )
    return Resource(
        "query-findings",
        "Queries that are asked again and again for one request; that seen last first.",
        QueryFinding,
        QueryFindingsQuery,
        records.keys,
        records.get,
    )


def _key(found: Finding, _query: QueryFindingsQuery) -> Key:
    return found.last_seen, found.fingerprint


def _shown(found: Finding, links: TraceLinks, wall: Callable[[float], float]) -> QueryFinding:
    return QueryFinding(
        id=found.fingerprint,
        kind=found.kind,
        service=found.service,
        route=found.route,
        caller=found.caller,
        system=found.query.system,
        statement=found.query.statement,
        query=found.query.fingerprint,
        traces=found.traces,
        calls=found.calls,
        most_calls=found.most_calls,
        seconds=found.seconds,
        trace_id=found.trace_id,
        trace=links.path_of(found.trace_id),
        first_seen=moment_of(wall(found.first_seen)),
        last_seen=moment_of(wall(found.last_seen)),
    )


def _fits(found: Finding, query: QueryFindingsQuery) -> bool:
    return (
        query.service in (None, found.service)
        and query.route in (None, found.route)
        and query.kind in (None, found.kind)
        and query.query in (None, found.query.fingerprint)
    )
