"""The built-in page and its style, as routes."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from sidecar.api.page.overview import STYLE, Overview, overview_html

Graph: TypeAlias = Callable[[str], Awaitable[tuple[int, Overview]]]
"""Returns the status of an answer and what it says of an expression."""


def add_graph(app: web.Application, graph: Graph) -> None:
    """Add where the links of alerts lead, the table of an expression, to `app`; other parameters mean nothing here."""

    async def table(request: web.Request) -> web.Response:
        status, content = await graph(request.query.get("g0.expr", ""))
        return web.Response(status=status, text=overview_html(content), content_type="text/html")

    app.router.add_get("/graph", table)


def add_page(app: web.Application, overview: Callable[[], Overview]) -> None:
    """Add the page to `app`; its content is asked for at each request."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=overview_html(overview()), content_type="text/html")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app.router.add_get("/", page)
    app.router.add_get("/page.css", style)
