"""The http check: GET a URL of the app."""

import aiohttp

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import HttpCheckConfig
from sidecar.probe.connection import health_of_error

BUSY_FROM_STATUS = 400


class HttpCheck:
    """One GET on a connection of its own; the status decides, the body is not read, redirects are not followed."""

    def __init__(self, config: HttpCheckConfig) -> None:
        self.config = config

    async def check(self) -> Health:
        """Return the health that the answer tells; the caller sets the deadline."""
        connector = aiohttp.TCPConnector(force_close=True, limit=1)
        patient = aiohttp.ClientTimeout()
        async with aiohttp.ClientSession(connector=connector, timeout=patient, auto_decompress=False) as session:
            try:
                async with session.get(self.config.url, allow_redirects=False) as response:
                    return _health_of(response.status)
            except (aiohttp.ClientError, OSError) as error:
                return _health_without_answer(error)


def _health_of(status: int) -> Health:
    if status < BUSY_FROM_STATUS:
        return Health(Status.PASS)
    return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"answered HTTP {status}")


def _health_without_answer(error: aiohttp.ClientError | OSError) -> Health:
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=OSError() as cause):
            return health_of_error(cause)
        case aiohttp.ClientConnectorError(os_error=cause):
            return health_of_error(cause)
        case OSError():
            return health_of_error(error)
        case aiohttp.ServerDisconnectedError():
            return Health(Status.FAIL, Cause.ANSWERED_BADLY, "closed the connection without an answer")
        case aiohttp.ClientResponseError():
            what = error.message.partition(":")[0]  # behind it is what was received
            return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"unreadable answer: {what}")
        case _:
            return Health(Status.FAIL, Cause.ERROR, type(error).__name__)
