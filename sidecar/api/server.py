"""One HTTP listener."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from sidecar.model.address import Address
from sidecar.runtime.listen import listening_socket

SHUTDOWN_SECONDS = 1.0
"""How long a listener that closes waits for requests under way."""
MOST_URL_BYTES = 1 << 16
"""Parameters of the API may be a few thousand characters together, and each becomes up to twelve in a URL."""


class Listener:
    """Listens on an address and hands requests to `make_runner`'s handler, until cancelled.

    A port of 0 asks for any free one. `address` is the real one once the listener is ready.
    """

    def __init__(self, name: str, address: Address, make_runner: Callable[[], web.BaseRunner]) -> None:
        self.name = name
        self.address = address
        self._make_runner = make_runner

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; raise OperatorError when the address cannot be had."""
        runner = self._make_runner()
        await runner.setup()
        try:
            listener = listening_socket(self.address, self.name)
            self.address = Address(self.address.host, listener.getsockname()[1])
            await web.SockSite(runner, listener).start()
            ready()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
