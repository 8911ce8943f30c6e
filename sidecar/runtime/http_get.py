"""GET over HTTP/1.1 as Go's client reads answers, which is the client of kubelet and of Prometheus.

aiohttp refuses what they take: two equal Content-Length, a Content-Length beside chunks, thousands of headers, names of
headers with spaces. h11 frames the body; headers that are not needed for that are not looked at.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import h11
from aiohappyeyeballs import start_connection
from yarl import URL

from sidecar.model.errors import TargetError
from sidecar.runtime.threads.names import addresses_of

MAX_REDIRECTS = 10
"""As Go's client: the answer to the request after these is not followed any more."""
MAX_HEAD_BYTES = 2**20
NEXT_ADDRESS_SECONDS = 0.3
"""A host of several addresses is tried at the next one after so long, as Go's dialer does it."""
PIECE_BYTES = 64 * 1024
MOVED = frozenset({301, 302, 303, 307, 308})

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/[^\n]*\n")
_BLANKS = re.compile(rb" +")
_NEEDED = re.compile(
    rb"^(?:connection|content-length|content-type|content-encoding|location|transfer-encoding)"
    rb"(?P<blanks>[ \t]*):[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_NO_HEADER = re.compile(rb"^[^\s:][^:\n]*\n", re.MULTILINE)


class AnswerError(TargetError):
    """What came over an open connection is no answer, or only a part of one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the first bytes of the body; `complete` tells whether these are all."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool


class Connection:
    """One connection to the host of one URL; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = _new_protocol()
        self._received = bytearray()
        self._ended = False
        self.reusable = False
        """Whether the last answer was read to its end, and the peer keeps the connection open."""

    async def get(self, url: URL, headers: Mapping[str, str], limit_bytes: int) -> Answer:
        """Return the answer to one GET, its body cut at `limit_bytes`; the caller sets the deadline.

        Raises AnswerError, or OSError where the connection breaks. Answers before the last one (1xx) are passed over,
        and nothing is read of the body of a redirect: whatever is wrong with it, it leads on.
        """
        if self.reusable:
            self._protocol.start_next_cycle()
        self.reusable = False
        asked = [("Host", url.host_port_subcomponent or ""), *headers.items()]
        request = h11.Request(method="GET", target=url.raw_path_qs, headers=asked)
        self._writer.write(self._protocol.send(request) or b"")
        self._protocol.send(h11.EndOfMessage())
        await self._writer.drain()
        try:
            return await self._answer(limit_bytes)
        except h11.RemoteProtocolError as error:
            what = str(error).partition(":")[0]  # behind it is what was received
            raise AnswerError("the answer is cut off" if self._ended else f"unreadable answer: {what}") from error

    async def is_idle(self) -> bool:
        """Return whether it may be used again: it is `reusable`, and nothing came since, not even its end.

        Servers that close a connection for want of requests may say so first, by a status 408 that answers none.
        """
        if not self.reusable:
            return False
        try:
            async with asyncio.timeout(0):
                await self._reader.read(1)
        except TimeoutError:
            return True
        except OSError:
            return False
        return False

    def abort(self) -> None:
        """Close at once, without waiting for the peer."""
        self.reusable = False
        self._writer.transport.abort()

    async def _answer(self, limit_bytes: int) -> Answer:
        await self._receive_head()
        while not isinstance(event := self._protocol.next_event(), h11.Response):
            await self._receive_head()
        headers: dict[str, str] = {}
        for name, value in event.headers:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        if event.status_code in MOVED and headers.get("location"):
            return Answer(event.status_code, headers, b"", complete=False)
        if self._received:  # no bytes at all would tell the protocol that there are no more
            self._protocol.receive_data(bytes(self._received))
            self._received.clear()
        body, complete = await self._body(limit_bytes)
        self.reusable = complete and self._protocol.our_state is self._protocol.their_state is h11.DONE
        return Answer(event.status_code, headers, body, complete)

    async def _receive_head(self) -> None:
        """Take one status line with its headers from the peer, and give what frames the body to the protocol."""
        searched = 0
        while not (end := _END_OF_HEAD.search(self._received, max(0, searched - 3))):
            searched = len(self._received)
            _check_start(self._received)
            piece = await self._reader.read(PIECE_BYTES)
            if not piece:
                self._ended = True
                raise AnswerError("closed the connection without an answer")
            self._received += piece
        _check_start(self._received)
        head = bytes(self._received[: end.end()])
        del self._received[: end.end()]
        self._protocol.receive_data(_needed_of(head))

    async def _body(self, limit_bytes: int) -> tuple[bytes, bool]:
        body = bytearray()
        while not isinstance(event := self._protocol.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > limit_bytes:
                    return bytes(body[:limit_bytes]), False
            else:
                piece = await self._reader.read(PIECE_BYTES)
                self._ended = not piece
                self._protocol.receive_data(piece)
        return bytes(body), True


async def connect(url: URL, tls: ssl.SSLContext | None = None) -> Connection:
    """Open a connection to the host of an http or https `url`, at the first of its addresses that accepts one.

    https is spoken with `tls`, without it with the system's certificates.

    Raises OSError with the number of the reason, ssl.SSLError, and AnswerError where a redirect led to another scheme;
    the caller sets the deadline.
    """
    if url.scheme not in ("http", "https"):
        raise AnswerError(f"redirected to what is not http or https, but `{url.scheme[:20]}`")
    addresses = await addresses_of(url.raw_host or "", url.port or 0)
    sock = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
    secure = url.scheme == "https"
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=(tls or True) if secure else None, server_hostname=url.raw_host if secure else None
        )
    except BaseException:
        sock.close()
        raise
    return Connection(reader, writer)


def redirect_of(url: URL, answer: Answer) -> URL | None:
    """Return where the answer of `url` sends us on to; None if nowhere, also for a redirect that does not say where.

    Raises AnswerError for a place that is no URL.
    """
    location = answer.headers.get("location", "")
    if answer.status not in MOVED or not location:
        return None
    try:
        target = url.join(URL(location))
        target.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        raise AnswerError("redirected to what is no URL") from error
    return target


def _new_protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)


def _check_start(received: bytearray) -> None:
    if not received[:5].startswith(b"HTTP/"[: len(received)]):
        raise AnswerError("unreadable answer: no status line")
    if len(received) > MAX_HEAD_BYTES + PIECE_BYTES:
        raise AnswerError(f"unreadable answer: more than {MAX_HEAD_BYTES} bytes of headers")


def _needed_of(head: bytes) -> bytes:
    """Return the status line and the headers that frame or describe the body; raise AnswerError for what is neither."""
    status_line = _STATUS_LINE.match(head)
    if status_line is None:
        raise AnswerError("unreadable answer: no status line")
    headers = head[status_line.end() :]
    if _NO_HEADER.search(headers):
        raise AnswerError("unreadable answer: a header without a colon")
    needed = b"".join(_without_blanks(found) for found in _NEEDED.finditer(headers))
    return _BLANKS.sub(b" ", status_line[0], count=1) + needed + b"\r\n"


def _without_blanks(header: re.Match[bytes]) -> bytes:
    start, end = header.start("blanks") - header.start(), header.end("blanks") - header.start()
    return header[0][:start] + header[0][end:]
