"""One HTTP listener."""

import asyncio
import errno
from collections.abc import Callable

from aiohttp import web

from sidecar.model.address import Address
from sidecar.model.errors import OperatorError

SHUTDOWN_SECONDS = 1.0


class Listener:
    """Listens on an address and hands requests to `runner`'s handler, until cancelled.

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
            site = web.TCPSite(runner, self.address.host or None, self.address.port)
            await self._listen(site)
            self.address = Address(self.address.host, runner.addresses[0][1])
            ready()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _listen(self, site: web.TCPSite) -> None:
        try:
            await site.start()
        except OSError as error:
            reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror
            raise OperatorError(f"{self.name}: cannot listen on `{self.address}`: {reason}") from error
