"""The loopback listener: the page and the JSON API, for people on this machine or behind a port-forward."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from sidecar.api.config import ApiConfig
from sidecar.api.json_api import AnyResource, add_json_api, problems
from sidecar.api.page.overview import STYLE, Overview, overview_html
from sidecar.model.address import Address
from sidecar.runtime.http_server import IDLE_SECONDS, Bounds

MAX_URL_BYTES = 1 << 16
"""Parameters of the API may be a few thousand characters together, and each becomes up to twelve in a URL."""

LOCAL_BOUNDS = Bounds(
    cancel_when_gone=False,
    options={
        "access_log": None,
        "lingering_time": 0.0,
        "keepalive_timeout": IDLE_SECONDS,
        "max_line_size": MAX_URL_BYTES,
    },
)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class LocalContent(NamedTuple):
    """What the loopback listener shows: the page's content, asked for at each request, and the API's resources.

    `failed` hears of the errors of our own that an answer of the API hides.
    """

    overview: Callable[[], Overview]
    resources: Sequence[AnyResource]
    failed: Callable[[BaseException], None]


def local_app(content: LocalContent, config: ApiConfig) -> web.Application:
    """Return the loopback listener's application."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=overview_html(content.overview()), content_type="text/html")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app = web.Application(middlewares=[_guard(config.listen), problems(content.failed)])
    app.router.add_get("/", page)
    app.router.add_get("/page.css", style)
    add_json_api(app, content.resources, admin=config.admin)
    return app


def _guard(listen: Address) -> Middleware:
    """Refuse a Host that is not ours (DNS rebinding) and add the security headers to every answer."""
    allowed = {"localhost", "127.0.0.1", "::1", listen.host.lower()}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _host(request.headers.get(hdrs.HOST, "")) not in allowed:
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


def _host(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
