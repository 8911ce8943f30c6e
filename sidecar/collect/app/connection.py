"""The one connection to an app, and asking for its metrics through it."""

import ssl
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from yarl import URL

from sidecar.collect.app.config import AppMetricsConfig
from sidecar.model.errors import TargetError
from sidecar.runtime import http_get
from sidecar.runtime.http_get import MAX_REDIRECTS, AnswerError, connect, redirect_of
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.threads.purposes import FILES
from sidecar.runtime.tls import MadeFromFiles, client_context, unverified_context

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
        self._url = URL(config.url)
        self._tls = MadeFromFiles[ssl.SSLContext]()
        self._connection: http_get.Connection | None = None
        self._files = SecretFiles()
        self._token = ""

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return (self._token,)

    async def ask(self) -> Answer:
        """Return the app's answer, redirects followed as Prometheus does; the caller's deadline applies.

        Raises TargetError for every status but 200, and for a body over the limit, of which no more is read. The token
        goes to no other host, port or scheme.
        """
        headers = await self._headers()
        answer = await self._get_kept(headers)
        url = self._url
        for _ in range(MAX_REDIRECTS):
            target = redirect_of(url, answer)
            if target is None:
                return self._checked(answer)
            url = target
            if url.origin() != self._url.origin():
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            answer = await self._get_once(url, headers)
        raise AnswerError(f"redirected {MAX_REDIRECTS} times")

    def drop(self) -> None:
        """Close the connection at once, without waiting for the app; harmless when there is none."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    async def _get_kept(self, headers: Mapping[str, str]) -> http_get.Answer:
        """Ask over the connection that is kept; when the app closed that meanwhile, over a new one."""
        if self._connection is not None and await self._connection.is_idle():
            try:
                return await self._get(self._connection, self._url, headers)
            except (AnswerError, OSError):
                self.drop()
        self.drop()
        self._connection = await self._connect(self._url)
        return await self._get(self._connection, self._url, headers)

    async def _get_once(self, url: URL, headers: Mapping[str, str]) -> http_get.Answer:
        connection = await self._connect(url)
        try:
            return await self._get(connection, url, headers)
        finally:
            connection.abort()

    async def _get(self, connection: http_get.Connection, url: URL, headers: Mapping[str, str]) -> http_get.Answer:
        return await connection.get(url, headers, self._config.max_body_bytes)

    def _checked(self, answer: http_get.Answer) -> Answer:
        if answer.status != OK:
            raise TargetError(f"answered HTTP {answer.status}")
        if not answer.complete:
            raise TargetError(f"the answer is longer than {self._config.max_body_bytes} bytes (`max_body_bytes`)")
        content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        return Answer(content_type or "no content type", encoding, answer.body)

    async def _connect(self, url: URL) -> http_get.Connection:
        tls = await FILES.run(self._current_tls, source=self) if url.scheme == "https" else None
        return await connect(url, tls)

    def _current_tls(self) -> ssl.SSLContext:
        files = [self._config.ca_file] if self._config.ca_file else []
        return self._tls.current(files, partial(_tls_context, self._config))

    async def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": ACCEPT,
            "Accept-Encoding": ASKED_ENCODING,
            "User-Agent": "observability-sidecar",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{self._config.timeout_seconds:g}",
        }
        if self._config.bearer_token_file is not None:
            self._token = await self._files.read(self._config.bearer_token_file)
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def _tls_context(config: AppMetricsConfig) -> ssl.SSLContext:
    return unverified_context() if config.insecure_skip_verify else client_context(config.ca_file)
