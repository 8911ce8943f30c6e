"""The tcp check: open a connection to the app."""

import asyncio

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import TcpCheckConfig


class TcpCheck:
    """Passes when the connection is accepted; nothing is sent."""

    def __init__(self, config: TcpCheckConfig) -> None:
        self.config = config

    async def check(self) -> Health:
        """Return whether the app accepts connections; the caller sets the deadline."""
        try:
            _, writer = await asyncio.open_connection(self.config.address.host or "127.0.0.1", self.config.address.port)
        except OSError as error:
            return Health(Status.FAIL, Cause.REFUSED, error.strerror or type(error).__name__)
        writer.transport.abort()
        return Health(Status.PASS)
