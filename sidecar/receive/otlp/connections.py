"""Connections of senders over HTTP: not too many, and answered in OTLP's words even where aiohttp does it."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from typing_extensions import override

from sidecar.receive.otlp.formats import FORMATS, PROTOBUF
from sidecar.receive.otlp.refusal import rpc_code_of

MOST_CONNECTIONS = 512
"""Connections at once: a process may have 1,024 files open as a rule, and the probes need some of them too."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BoundedServer(web.Server):
    """A server of at most MOST_CONNECTIONS, which leaves decompression to us: aiohttp answers a bomb without a Status.

    Where there are too many, the one that has waited longest for a request is closed, and `closed` is called.
    """

    def __init__(self, handler: Handler, closed: Callable[[], None]) -> None:
        self._answer = handler
        self._closed = closed
        self._waiting: dict[web.RequestHandler, None] = {}
        super().__init__(self._handle)

    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            auto_decompress=False,
            lingering_time=2.0,
            read_bufsize=1 << 18,
        )

    def came(self, connection: web.RequestHandler) -> None:
        """Wait for a request of a new connection, for which another one may have to go."""
        self._waiting[connection] = None
        if len(self.connections) > MOST_CONNECTIONS:
            longest = next(iter(self._waiting))
            self.gone(longest)
            self._closed()
            if longest.transport is not None:
                longest.transport.abort()

    def gone(self, connection: web.RequestHandler) -> None:
        """Wait for nothing from a connection."""
        self._waiting.pop(connection, None)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.gone(request.protocol)
        try:
            return await self._answer(request)
        finally:
            if request.transport is not None:
                self._waiting[request.protocol] = None


class _Connection(web.RequestHandler):
    """aiohttp's protocol, except that its own refusals (no HTTP, a header too long, a bug of ours) speak OTLP too."""

    __slots__ = ("_bounded",)

    def __init__(self, server: BoundedServer, **options: object) -> None:
        super().__init__(server, **options)  # type: ignore[arg-type] # passed on as they came
        self._bounded = server

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._bounded.came(self)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self._bounded.gone(self)
        super().connection_lost(exc)

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            self.log_exception("Error handling request", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        text = "not a valid HTTP request" if status < 500 else "internal error"
        form = FORMATS.get(request.content_type, PROTOBUF)
        body = form.status(rpc_code_of(status), text)
        response = web.Response(status=status, body=body, content_type=form.content_type)
        response.force_close()
        return response
