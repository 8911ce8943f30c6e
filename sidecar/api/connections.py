"""Connections that a client cannot hold for nothing.

aiohttp waits without limit for the end of a request's header, and takes as many connections as there are file
descriptors. Here a connection that brings no whole request in time is closed, and when there are too many, the one that
has waited longest makes room: whoever keeps the pod listener busy, the kubelet still gets its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from typing_extensions import override

MOST_CONNECTIONS = 256
REQUEST_SECONDS = 5.0
IDLE_SECONDS = 60.0
"""How long a connection may be silent between two requests; Prometheus keeps its own for the next scrape."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BoundedServer(web.Server):
    """A server of at most `MOST_CONNECTIONS` connections, each under a deadline whenever no request is answered."""

    def __init__(self, handler: Handler) -> None:
        self._answer = handler
        self.waiting: dict[_Connection, None] = {}
        super().__init__(
            self._handle,
            handler_cancellation=True,  # an answer that somebody waits for ends when they go
            access_log=None,
            lingering_time=0.0,
            keepalive_timeout=IDLE_SECONDS,
        )

    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            lingering_time=0.0,
            keepalive_timeout=IDLE_SECONDS,
        )

    def make_room(self) -> None:
        """Close the connection that has waited longest if there are too many."""
        if len(self.connections) > MOST_CONNECTIONS and self.waiting:
            next(iter(self.waiting)).give_up()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)
        connection.request_came()
        try:
            return await self._answer(request)
        finally:
            connection.wait(IDLE_SECONDS)


class _Connection(web.RequestHandler):
    __slots__ = ("_deadline", "_server")

    def __init__(self, server: BoundedServer, **options: object) -> None:
        super().__init__(server, **options)  # type: ignore[arg-type] # passed on as they came
        self._server = server
        self._deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.wait(REQUEST_SECONDS)
        self._server.make_room()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self.request_came()
        super().connection_lost(exc)

    def wait(self, seconds: float) -> None:
        """Expect a whole request within `seconds`."""
        if self.transport is not None:
            self._server.waiting[self] = None
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.give_up)

    def request_came(self) -> None:
        """Expect nothing while a request is answered."""
        self._server.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def give_up(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()
