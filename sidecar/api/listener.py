"""One HTTP listener as a component."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from sidecar.model.address import Address
from sidecar.runtime.http_server import SHUTDOWN_SECONDS, BoundedAppRunner, BoundedServer, Bounds, Handler, serve


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """Where a listener listens, and within which bounds."""

    name: str
    address: Address
    bounds: Bounds = field(default_factory=Bounds)


class Listener:
    """Listens as configured and answers by a handler or an application, until cancelled.

    A port of 0 asks for any free one. `address` is the real one once the listener is ready.
    """

    def __init__(self, config: ListenerConfig, answer: Handler | web.Application) -> None:
        self.name = config.name
        self.address = config.address
        self._bounds = config.bounds
        self._answer = answer

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
