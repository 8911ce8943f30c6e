"""Outgoing HTTP: one deadline for everything, a limit on what is read, redirects within the same server only.

The status is the answer, as it is to Prometheus: a body that breaks off or hangs behind it takes nothing back.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import aiohttp

from sidecar.codec.peer.redirect import STATUSES, redirected_url
from sidecar.model.errors import TargetError

RESPONSE_LIMIT_BYTES = 64 * 1024
"""Enough for any error text worth showing."""
PIECE_BYTES = 256 * 1024
"""A body is sent in pieces of this, so that the event loop never copies a large one at once."""
MAX_LINE_BYTES = 2**20
MAX_HEADERS = 20_000
"""Proxies add headers of many kilobytes: what was delivered must not be sent again because of them."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send; headers may hold secrets and are sent to the host of `url` only.

    `tls` is what https is spoken with, True for the system's certificates; connections are kept by it. `server_name` is
    what a certificate is checked for, instead of the host of `url`.
    """

    url: str
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | bool = True
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The status and the first bytes of the body; `complete` tells whether these are all."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool


class HttpClient:
    """Sends requests over a session of its own; made by `open_http_client`.

    A redirect by 307 or 308 to the same scheme, host and port is followed once, with everything that was sent, and
    `redirected` is called; every other one is an error. Cookies are forgotten, proxies of the environment are not used.
    """

    def __init__(self, session: aiohttp.ClientSession, redirected: Callable[[], None]) -> None:
        self._session = session
        self._redirected = redirected

    async def send(
        self, request: Request, timeout_seconds: float, response_limit_bytes: int = RESPONSE_LIMIT_BYTES
    ) -> Response:
        """Return the answer, whatever its status; raise TargetError if there is none in time, or only a redirect.

        The body is cut at `response_limit_bytes`, and where it breaks off or hangs.
        """
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        try:
            return await self._followed(request, deadline, response_limit_bytes)
        except TimeoutError as error:
            raise TargetError(f"no answer within {timeout_seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TargetError(f"{type(error).__name__}: {error}") from error

    async def _followed(self, request: Request, deadline: float, limit_bytes: int) -> Response:
        response = await self._exchange(request, deadline, limit_bytes)
        if response.status not in STATUSES:
            return response
        url = redirected_url(request.url, response.status, response.headers.get("Location", ""))
        self._redirected()
        response = await self._exchange(replace(request, url=url), deadline, limit_bytes)
        if response.status in STATUSES:
            raise TargetError(f"status {response.status}, a redirect behind a redirect: only one is followed")
        return response

    async def _exchange(self, request: Request, deadline: float, limit_bytes: int) -> Response:
        async with asyncio.timeout_at(deadline):
            response = await self._asked(request)
        async with response:
            body, complete = await _read_up_to(response.content, deadline, limit_bytes)
            if not complete:
                response.close()  # the rest is not wanted, so the connection cannot be used again
            return Response(response.status, response.headers, body, complete)

    async def _asked(self, request: Request) -> aiohttp.ClientResponse:
        headers = dict(request.headers)
        data: bytes | AsyncIterator[memoryview] | None = request.body
        if request.body is not None and len(request.body) > PIECE_BYTES:
            headers["Content-Length"] = str(len(request.body))
            data = _pieces(request.body)
        return await self._session.request(
            request.method,
            request.url,
            data=data,
            headers=headers,
            allow_redirects=False,
            ssl=request.tls,
            server_hostname=request.server_name,
        )


@asynccontextmanager
async def open_http_client(redirected: Callable[[], None] = lambda: None) -> AsyncIterator[HttpClient]:
    """Open a client that calls `redirected` for each redirect that it follows; leaving it closes its connections."""
    session = aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # the deadline around the whole exchange is the only one
        auto_decompress=False,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
        max_headers=MAX_HEADERS,
        headers={"User-Agent": "observability-sidecar", "Accept-Encoding": "identity"},
    )
    async with session:
        yield HttpClient(session, redirected)


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), PIECE_BYTES):
        yield view[start : start + PIECE_BYTES]


async def _read_up_to(stream: aiohttp.StreamReader, deadline: float, limit_bytes: int) -> tuple[bytes, bool]:
    """Return the start of a body, and whether it is all of it."""
    body = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(deadline):
            async for part in stream.iter_any():
                body += part
                if len(body) > limit_bytes:
                    return bytes(body[:limit_bytes]), False
            return bytes(body), True
    return bytes(body), False
