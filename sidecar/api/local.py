"""The loopback listener: the page and the JSON API, for people on this machine or behind a port-forward."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sidecar.api.config import ApiConfig
from sidecar.api.json.routes import JSON_GROUP, AnyResource, JsonApi, Settle
from sidecar.api.listener import ListenerConfig
from sidecar.api.page.overview import Overview
from sidecar.api.page.routes import Graph, add_graph, add_page
from sidecar.api.policy.headers import SECURITY_HEADERS
from sidecar.api.policy.host import is_ours
from sidecar.api.route_group import unmatched
from sidecar.model.address import Address
from sidecar.runtime.events import Event
from sidecar.runtime.http_server import IDLE_SECONDS, Bounds

MAX_URL_BYTES = 1 << 16
"""Parameters of the API may be a few thousand characters together, and each becomes up to twelve in a URL."""
BOUNDS = Bounds(
    cancel_when_gone=False,
    options={
        "access_log": None,
        "lingering_time": 0.0,
        "keepalive_timeout": IDLE_SECONDS,
        "max_line_size": MAX_URL_BYTES,
    },
)


@dataclass(frozen=True, slots=True)
class ApiFailed(Event):
    """A request to the API met an error of our own; whoever asked got a 500."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "The API could not answer a request: {error}"
    identity: ClassVar[tuple[str, ...]] = ("error",)
    error: str


class LocalContent(NamedTuple):
    """What the loopback listener shows: the page's content, asked for at each request, and the API's resources.

    `failed` hears of the errors of our own that an answer of the API hides. `settle` is awaited before a resource is
    read: it brings there what was received. `graph` answers the links of alerts.
    """

    overview: Callable[[], Overview]
    resources: Sequence[AnyResource]
    failed: Callable[[BaseException], None]
    settle: Settle
    graph: Graph | None = None


def local_listener(config: ApiConfig) -> ListenerConfig:
    """Return where and how the loopback listener listens."""
    return ListenerConfig("local", config.listen, BOUNDS)


def local_app(content: LocalContent, config: ApiConfig) -> web.Application:
    """Return the loopback listener's application."""
    app = web.Application(middlewares=[_guard(config.listen), unmatched([JSON_GROUP])])
    add_page(app, content.overview)
    if content.graph is not None:
        add_graph(app, content.graph)
    JsonApi(content.resources, content.failed, content.settle, admin=config.admin).add_to(app)
    return app


def _guard(listen: Address) -> Middleware:
    """Refuse a Host that is not ours and add the security headers to every answer."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request, listen):
            text = "this listener answers to its own address only\n"
            return web.Response(status=421, text=text, headers=SECURITY_HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(SECURITY_HEADERS)
            raise
        response.headers.update(SECURITY_HEADERS)
        return response

    return guard
