"""The http check: GET a URL of the app."""

import asyncio

import aiohttp

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import HttpCheckConfig

BUSY_FROM_STATUS = 400


class HttpCheck:
    """One GET on a connection of its own; the status decides, the body is not read, redirects are not followed."""

    def __init__(self, config: HttpCheckConfig) -> None:
        self.config = config

    async def check(self) -> Health:
        """Return the health that the answer tells; the caller sets the deadline."""
        connector = aiohttp.TCPConnector(force_close=True, limit=1)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            try:
                async with session.get(self.config.url, allow_redirects=False) as response:
                    return _health_of(response.status)
            except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
                return Health(Status.FAIL, Cause.REFUSED, _reason_of(error))


def _health_of(status: int) -> Health:
    if status < BUSY_FROM_STATUS:
        return Health(Status.PASS)
    return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"answered HTTP {status}")


def _reason_of(error: Exception) -> str:
    return "connection refused" if isinstance(error, aiohttp.ClientConnectorError) else type(error).__name__
