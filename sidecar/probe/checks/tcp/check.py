"""The tcp check: open a connection to the app."""

import asyncio

from sidecar.model.health import Health, Status
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.tcp.config import TcpCheckConfig
from sidecar.probe.connection import health_of_error
from sidecar.runtime.threads.names import addresses_of


class TcpCheck:
    """Passes when the connection is accepted; nothing is sent."""

    def __init__(self, config: TcpCheckConfig, _context: CheckContext | None = None) -> None:
        self.config = config

    async def check(self) -> Health:
        """Return whether the app accepts connections; the caller sets the deadline."""
        try:
            await self._connect()
        except OSError as error:
            return health_of_error(error)
        return Health(Status.PASS)

    async def _connect(self) -> None:
        """Connect to the first address of the host that accepts; raise the error of the last one if none does.

        asyncio would try them too, but fold their errors into one without a number.
        """
        host, port = self.config.address.host or "127.0.0.1", self.config.address.port
        found = await addresses_of(host, port)
        failure: OSError | None = None
        for *_, address in found:
            try:
                _, writer = await asyncio.open_connection(*address[:2])
            except OSError as error:
                failure = error
            else:
                writer.transport.abort()
                return
        if failure is not None:
            raise failure
