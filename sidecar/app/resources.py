"""The resources of the JSON API, each over its store."""

from sidecar.api.json_api import AnyResource
from sidecar.api.resources.endpoints import endpoints
from sidecar.api.resources.errors import errors
from sidecar.api.resources.queries import queries
from sidecar.api.resources.query_findings import query_findings
from sidecar.api.resources.traces import traces
from sidecar.api.trace_links import TraceLinks
from sidecar.app.latest import LatestValues
from sidecar.app.stores import Stores
from sidecar.runtime.clock import Clock


def resources(stores: Stores, clock: Clock) -> tuple[AnyResource, ...]:
    """Return all there are."""
    links, insights = TraceLinks(stores.traces), stores.insights
    return (
        endpoints(LatestValues(stores.head, clock)),
        traces(stores.traces, clock),
        errors(insights.errors, links, clock),
        queries(insights.queries.statistics, links, clock),
        query_findings(insights.queries.findings, links),
    )
