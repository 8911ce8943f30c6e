"""HTTP listeners whose connections nobody can hold for nothing.

aiohttp waits without limit for the end of a request's header, and takes as many connections as there are file
descriptors. Here a connection that brings no whole request in time is closed, and when there are too many, the one that
has waited longest makes room: whoever keeps a listener busy, the kubelet still gets its answer.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from typing_extensions import override

from sidecar.model.address import Address
from sidecar.runtime.listen import listening_socket

SHUTDOWN_SECONDS = 1.0
"""How long a listener that closes waits for requests under way."""
REQUEST_SECONDS = 5.0
IDLE_SECONDS = 60.0
"""How long a connection may be silent between two requests; Prometheus keeps its own for the next scrape."""
MAX_CONNECTIONS = 256

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.BaseRequest, int], web.Response]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one listener's connections may take.

    `request_seconds` is how long the first request of a connection may take to come whole, `idle_seconds` the next one;
    None: as long as there is room. `cancel_when_gone` cancels a handler whose client has closed the connection.
    `options` are those of aiohttp's RequestHandler.
    """

    max_connections: int = MAX_CONNECTIONS
    request_seconds: float | None = REQUEST_SECONDS
    idle_seconds: float | None = IDLE_SECONDS
    cancel_when_gone: bool = True
    options: dict[str, Any] = field(
        default_factory=lambda: {"access_log": None, "lingering_time": 0.0, "keepalive_timeout": IDLE_SECONDS}
    )


class BoundedServer(web.Server):
    """Answers requests by `handler`, within `bounds`.

    `closed` is called for each connection that had to make room. `refuse` answers where aiohttp would: for no HTTP,
    a header too long, a bug of ours.
    """

    def __init__(
        self,
        handler: Handler,
        bounds: Bounds,
        *,
        closed: Callable[[], None] = lambda: None,
        refuse: Refuse | None = None,
        request_factory: Callable[..., web.BaseRequest] | None = None,
    ) -> None:
        self.bounds = bounds
        self.refuse = refuse
        self._answer = handler
        self._closed = closed
        self._waiting: dict[_Connection, None] = {}
        super().__init__(
            self._handle,
            request_factory=request_factory,
            handler_cancellation=bounds.cancel_when_gone,
            **bounds.options,
        )

    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self.bounds.options)

    def came(self, connection: "_Connection") -> None:
        """Wait for a request of a new connection, for which another one may have to go."""
        self.waits(connection)
        if len(self.connections) > self.bounds.max_connections:
            longest = next(iter(self._waiting))
            self.waits_no_more(longest)
            self._closed()
            longest.give_up()

    def waits(self, connection: "_Connection") -> None:
        """Note that a request of `connection` is waited for."""
        self._waiting[connection] = None

    def waits_no_more(self, connection: "_Connection") -> None:
        """Note that nothing is expected of `connection`."""
        self._waiting.pop(connection, None)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)
        connection.request_came()
        try:
            return await self._answer(request)
        finally:
            connection.wait(self.bounds.idle_seconds)


class _Connection(web.RequestHandler):
    __slots__ = ("_bounded", "_deadline")

    def __init__(self, server: BoundedServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._bounded = server
        self._deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._start_deadline(self._bounded.bounds.request_seconds)
        self._bounded.came(self)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self.request_came()
        super().connection_lost(exc)

    def wait(self, seconds: float | None) -> None:
        """Expect a whole request within `seconds`."""
        if self.transport is not None:
            self._bounded.waits(self)
            self._start_deadline(seconds)

    def request_came(self) -> None:
        """Expect nothing while a request is answered."""
        self._bounded.waits_no_more(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def give_up(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if self._bounded.refuse is None:
            return super().handle_error(request, status, exc, message)
        if status >= 500:
            self.log_exception("Error handling request", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        response = self._bounded.refuse(request, status)
        response.force_close()
        return response

    def _start_deadline(self, seconds: float | None) -> None:
        if seconds is not None:
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.give_up)


class BoundedAppRunner(web.AppRunner):
    """Runs an application on a bounded server."""

    __slots__ = ("_bounds",)

    def __init__(self, app: web.Application, bounds: Bounds, shutdown_timeout: float) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._bounds = bounds

    @override
    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return BoundedServer(server.request_handler, self._bounds, request_factory=server.request_factory)


async def serve(runner: web.BaseRunner, address: Address, name: str, ready: Callable[[Address], None]) -> None:
    """Listen until cancelled; raise OperatorError when the address cannot be had.

    A port of 0 asks for any free one; `ready` is told the real one.
    """
    await runner.setup()
    try:
        listener = listening_socket(address, name)
        await _started(runner, listener)
        ready(Address(address.host, listener.getsockname()[1]))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _started(runner: web.BaseRunner, listener: socket.socket) -> None:
    """Have `runner` answer on `listener`, which is closed if that is cancelled: nobody else would have it then."""
    try:
        await web.SockSite(runner, listener).start()
    except BaseException:
        asyncio.get_running_loop().remove_reader(listener)
        listener.close()
        raise
