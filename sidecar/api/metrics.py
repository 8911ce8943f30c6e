"""GET /metrics: the joined pages of all targets and our own metrics."""

from typing import Protocol

from aiohttp import web

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition(Protocol):
    """Where the text comes from."""

    def render(self) -> bytes:
        """Return the whole exposition."""
        ...

    def render_gzip(self) -> bytes:
        """Return the same as one gzip member."""
        ...


def metrics_response(pages: Exposition, request: web.BaseRequest) -> web.Response:
    """Return the exposition, compressed when the scraper accepts it."""
    headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=pages.render_gzip(), headers=headers | {"Content-Encoding": "gzip"})
    return web.Response(body=pages.render(), headers=headers)
