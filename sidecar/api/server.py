"""One HTTP listener as a component."""

from collections.abc import Callable

from aiohttp import web

from sidecar.model.address import Address
from sidecar.runtime.http_server import SHUTDOWN_SECONDS, BoundedAppRunner, BoundedServer, Bounds, Handler, serve


class Listener:
    """Listens on an address and answers by a handler or an application, within bounds, until cancelled.

    A port of 0 asks for any free one. `address` is the real one once the listener is ready.
    """

    def __init__(self, name: str, address: Address, answer: Handler | web.Application, bounds: Bounds) -> None:
        self.name = name
        self.address = address
        self._answer = answer
        self._bounds = bounds

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; raise OperatorError when the address cannot be had."""

        def listening(address: Address) -> None:
            self.address = address
            ready()

        await serve(self._runner(), self.address, self.name, listening)

    def _runner(self) -> web.BaseRunner:
        if isinstance(self._answer, web.Application):
            return BoundedAppRunner(self._answer, self._bounds, SHUTDOWN_SECONDS)
        return web.ServerRunner(BoundedServer(self._answer, self._bounds), shutdown_timeout=SHUTDOWN_SECONDS)
