"""The built-in page and its style, as routes."""

from collections.abc import Callable

from aiohttp import web

from sidecar.api.page.overview import STYLE, Overview, overview_html


def add_page(app: web.Application, overview: Callable[[], Overview]) -> None:
    """Add the page to `app`; its content is asked for at each request."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=overview_html(overview()), content_type="text/html")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app.router.add_get("/", page)
    app.router.add_get("/page.css", style)
