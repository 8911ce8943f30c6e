"""Two APIs share /api/v1, so no name may be of both."""

from sidecar.api.config import ApiConfig
from sidecar.api.json.openapi import PREFIX
from sidecar.api.local import LocalContent, local_app
from sidecar.api.page.overview import Overview
from sidecar.api.prometheus.names import NAMES
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import lay_foundation
from sidecar.app.registry import RESOURCES
from sidecar.app.stores import Stores
from tests.fakes import FakeClock, nothing_is_on_its_way


async def test_no_resource_of_ours_takes_a_name_of_prometheus_api() -> None:
    config = SidecarConfig()
    base = lay_foundation(config, FakeClock())
    context = Stores(config, base).resource_context(base.clock)
    shown = [resource(context) for resource in RESOURCES]
    app = local_app(
        LocalContent(lambda: Overview("", "", ()), shown, lambda _error: None, nothing_is_on_its_way), ApiConfig()
    )
    paths = [route.resource.canonical for route in app.router.routes() if route.resource is not None]
    ours = {path.removeprefix(f"{PREFIX}/").partition("/")[0] for path in paths if path.startswith(f"{PREFIX}/")}
    assert {resource.name.partition("/")[0] for resource in shown} <= ours
    assert not ours & NAMES
