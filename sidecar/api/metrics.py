"""An exposition as an HTTP answer, in the format and encoding that the scraper would rather have."""

import asyncio
from collections.abc import Iterator
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

    def compress_in_steps(self, form: Format, /) -> Iterator[None]:
        """Do beforehand what may take long in `render_gzip`."""
        ...


async def metrics_response(pages: Exposition, request: web.BaseRequest) -> web.Response:
    """Return the exposition; between the steps of its compression others are answered."""
    form, content_type = exposition_format(request.headers.get("Accept", ""))
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    if not accepts_gzip(request.headers.get("Accept-Encoding", "")):
        return web.Response(body=pages.render(form), headers=headers)
    for _ in pages.compress_in_steps(form):
        await asyncio.sleep(0)
    return web.Response(body=pages.render_gzip(form), headers=headers | {"Content-Encoding": "gzip"})
