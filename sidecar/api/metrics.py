"""An exposition as an HTTP answer, in the format and encoding that the scraper would rather have."""

from typing import Protocol

from aiohttp import web

from sidecar.api.accept import accepts_gzip, exposition_format
from sidecar.codec.exposition import Format


class Exposition(Protocol):
    """Where the page comes from."""

    def render(self, form: Format, /) -> bytes:
        """Return the whole exposition."""
        ...

    def render_gzip(self, form: Format, /) -> bytes:
        """Return the same as one gzip member."""
        ...

    async def prepare(self, form: Format, /, *, compressed: bool) -> None:
        """Do beforehand what may take long in `render_gzip`, or else in `render`; others are answered meanwhile."""
        ...


async def metrics_response(pages: Exposition, request: web.BaseRequest) -> web.Response:
    """Return the exposition; while it is encoded and compressed others are answered."""
    form, content_type = exposition_format(request.headers.get("Accept", ""))
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    compressed = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    await pages.prepare(form, compressed=compressed)
    if not compressed:
        return web.Response(body=pages.render(form), headers=headers)
    return web.Response(body=pages.render_gzip(form), headers=headers | {"Content-Encoding": "gzip"})
