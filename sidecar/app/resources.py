"""The resources of the JSON API, each over its store."""

from sidecar.api.json.resources.endpoints import endpoints
from sidecar.api.json.resources.errors import errors
from sidecar.api.json.resources.queries import queries
from sidecar.api.json.resources.query_findings import query_findings
from sidecar.api.json.resources.traces import traces
from sidecar.api.json.routes import AnyResource
from sidecar.api.json.trace_links import TraceLinks
from sidecar.app.stores import Stores
from sidecar.runtime.clock import Clock
from sidecar.tsdb.latest import LatestValues


def resources(stores: Stores, clock: Clock) -> tuple[AnyResource, ...]:
    """Return all there are."""
    links, insights = TraceLinks(stores.traces), stores.insights
    return (
        endpoints(LatestValues(stores.head, clock.now)),
        traces(stores.traces, clock),
        errors(insights.errors, links, clock),
        queries(insights.queries.statistics, links, clock),
        query_findings(insights.queries.findings, links),
    )
