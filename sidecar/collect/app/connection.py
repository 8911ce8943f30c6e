"""The one connection to an app, and asking for its metrics through it."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import aiohttp

from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.secret_file import read_secret
from sidecar.model.errors import TargetError

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus sends, so that the app answers us as it answers Prometheus."""

ASKED_ENCODING = "gzip"
OK = 200


class Answer(NamedTuple):
    """What the app sent: the body as it came, compressed or not."""

    content_type: str
    encoding: str
    body: bytes


class Connection:
    """Asks one endpoint; what it needs of files is read then, so they may change."""

    def __init__(self, config: AppMetricsConfig) -> None:
        self._config = config
        self._connector: aiohttp.TCPConnector | None = None
        self._token = ""

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return (self._token,)

    async def ask(self) -> Answer:
        """Return the app's answer, redirects followed as Prometheus does; the caller's deadline applies.

        Raises TargetError for every status but 200, and for a body over the limit, of which no more is read.
        """
        connector = await self._opened()
        session = aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the scrape's deadline is the only one
            auto_decompress=False,
        )
        async with session, session.get(self._config.url, headers=await self._headers()) as response:
            if response.status != OK:
                raise TargetError(f"answered HTTP {response.status}")
            body = await self._read(response.content)
            return Answer(response.content_type, response.headers.get("Content-Encoding", ""), body)

    def drop(self) -> None:
        """Close the connection at once, without waiting for the app; harmless when there is none."""
        connector, self._connector = self._connector, None
        if connector is not None:
            connector._close(abort_ssl=True)  # `close` would wait for the end of a TLS session

    async def _opened(self) -> aiohttp.TCPConnector:
        if self._connector is None:
            context = await asyncio.to_thread(_tls_context, self._config)
            # It may be idle for a whole interval; when the app closes it meanwhile, the next GET opens another.
            self._connector = aiohttp.TCPConnector(limit=1, ssl=context, keepalive_timeout=None)
        return self._connector

    async def _headers(self) -> Mapping[str, str]:
        headers = {
            "Accept": ACCEPT,
            "Accept-Encoding": ASKED_ENCODING,
            "User-Agent": "observability-sidecar",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{self._config.timeout_seconds:g}",
        }
        if self._config.bearer_token_file is not None:
            self._token = await read_secret(self._config.bearer_token_file)
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    async def _read(self, stream: aiohttp.StreamReader) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in stream.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > self._config.max_body_bytes:
                raise TargetError(f"the answer is longer than {self._config.max_body_bytes} bytes (`max_body_bytes`)")
        return b"".join(pieces)


def _tls_context(config: AppMetricsConfig) -> ssl.SSLContext | bool:
    if config.insecure_skip_verify:
        return False
    if config.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise TargetError(f"cannot use `{config.ca_file}`: {error.strerror or error}") from error
