"""The upstream of a benchmark: takes any request over HTTP, keeps nothing, and costs little."""

import asyncio

from typing_extensions import override

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Upstream:
    """Listens on a port of loopback and counts the bytes of the bodies that it took."""

    def __init__(self) -> None:
        self.taken_bytes = 0

    async def listen(self, port: int) -> asyncio.Server:
        """Begin to take requests."""
        return await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", port)


class _Connection(asyncio.Protocol):
    """One connection: a head is read, then as many bytes as it says; bodies in chunks are not understood."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._transport: asyncio.WriteTransport | None = None
        self._head = b""
        self._missing = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if not self._missing:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = b""
            self._missing = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
        self._missing -= len(data)
        self._upstream.taken_bytes += len(data)
        if not self._missing and self._transport is not None:
            self._transport.write(_OK)
