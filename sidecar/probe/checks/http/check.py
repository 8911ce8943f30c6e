"""The http check: GET a URL of the app, and judge the answer as kubelet does."""

from yarl import URL

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.connection import health_of_error
from sidecar.runtime.http_get import MAX_REDIRECTS, Answer, AnswerError, connect, redirect_of
from sidecar.runtime.tls import unverified_context

BUSY_FROM_STATUS = 400
MOVED_FROM_STATUS = 300
MAX_BODY_BYTES = 10 * 1024
"""What kubelet reads of a body; the rest does not matter."""
HEADERS = {"User-Agent": "observability-sidecar", "Accept": "*/*", "Connection": "close"}


class HttpCheck:
    """GETs on connections of their own, judged by status as kubelet judges: 200 to 399 is good.

    The body is read, up to 10 KiB of it, and must end. Redirects within the host are followed, at most 10; one to
    another host is good, with a warning. A server's certificate is not verified.
    """

    def __init__(self, config: HttpCheckConfig, _context: CheckContext | None = None) -> None:
        self.config = config
        self._tls = unverified_context()

    async def check(self) -> Health:
        """Return the health that the answer tells; the caller sets the deadline."""
        try:
            return await self._follow(URL(self.config.url))
        except AnswerError as error:
            return Health(Status.FAIL, Cause.ANSWERED_BADLY, str(error))
        except OSError as error:
            return health_of_error(error)

    async def _follow(self, url: URL) -> Health:
        for _ in range(MAX_REDIRECTS):
            answer = await self._get(url)
            target = redirect_of(url, answer)
            if target is None:
                return _health_of(answer.status)
            if target.host != url.host:
                return Health(Status.WARN, reason="redirected to another host, which counts as good")
            url = target
        return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"redirected {MAX_REDIRECTS} times")

    async def _get(self, url: URL) -> Answer:
        connection = await connect(url, self._tls)
        try:
            return await connection.get(url, HEADERS, MAX_BODY_BYTES)
        finally:
            connection.abort()


def _health_of(status: int) -> Health:
    if status >= BUSY_FROM_STATUS or status < 200:
        return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"answered HTTP {status}")
    if status >= MOVED_FROM_STATUS:
        return Health(Status.WARN, reason=f"answered HTTP {status} and does not say where else, which counts as good")
    return Health(Status.PASS)
