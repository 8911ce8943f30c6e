"""Forwarding by OTLP over HTTP."""

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from sidecar.codec.otlp.upstream import partial_success, status_text
from sidecar.codec.peer.retry_after import retry_after_seconds
from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.deliver.tls import UpstreamFiles, tls_context
from sidecar.deliver.transport import Transport, headers_of
from sidecar.model.errors import TargetError
from sidecar.model.forward import ForwardBody
from sidecar.runtime.clock import Clock
from sidecar.runtime.http import HttpClient, Request, Response, open_http_client
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.threads.purposes import BODIES

RETRYABLE = {429, 502, 503, 504}
"""By the OTLP specification; a body that gets any other error is never sent again."""
GZIP_LEVEL = 1


class HttpTransport:
    """Posts bodies as they are, compressed if configured."""

    def __init__(self, config: ForwardConfig, client: HttpClient, clock: Clock) -> None:
        self._config = config
        self._files = SecretFiles()
        self._client = client
        self._clock = clock
        self._tls = UpstreamFiles(config, tls_context, clock)

    async def send(self, body: ForwardBody, seconds: float) -> Outcome:
        """Send one body; everything but an answer is a reason to try again."""
        try:
            response = await self._client.send(await self._request(body), seconds)
        except TargetError as error:
            return Retry(str(error))
        return self._outcome(response)

    async def _request(self, body: ForwardBody) -> Request:
        headers = {**await headers_of(self._config, self._files), "Content-Type": body.content_type}
        data = body.body
        if self._config.compression == "gzip":
            headers["Content-Encoding"] = "gzip"
            data = await BODIES.run(partial(gzip.compress, data, GZIP_LEVEL))
        url = f"{self._config.endpoint}/v1/{body.signal}"
        tls = await self._tls.get() if url.startswith("https:") else True
        return Request(url, "POST", data, headers, tls)

    def _outcome(self, response: Response) -> Outcome:
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if 200 <= response.status < 300:
            partial = partial_success(content_type, response.body)
            return Delivered(partial.refused, partial.message)
        text = status_text(content_type, response.body)
        reason = f"status {response.status}" + (f", `{text}`" if text else "")
        if response.status not in RETRYABLE:
            return Rejected(reason)
        return Retry(reason, retry_after_seconds(response.headers.get("Retry-After", ""), self._clock.now()))


@asynccontextmanager
async def open_http_transport(
    config: ForwardConfig, clock: Clock, redirected: Callable[[], None]
) -> AsyncIterator[Transport]:
    """Open a transport that calls `redirected` for each redirect it follows; nothing is connected yet."""
    async with open_http_client(redirected) as client:
        yield HttpTransport(config, client, clock)
