"""The resources of the JSON API, each over its store."""

from sidecar.api.json_api import AnyResource
from sidecar.api.resources.endpoints import endpoints
from sidecar.api.resources.traces import traces
from sidecar.app.latest import LatestValues
from sidecar.app.stores import Stores
from sidecar.runtime.clock import Clock


def resources(stores: Stores, clock: Clock) -> tuple[AnyResource, ...]:
    """Return all there are."""
    return (
        endpoints(LatestValues(stores.head, clock)),
        traces(stores.traces, clock),
    )
