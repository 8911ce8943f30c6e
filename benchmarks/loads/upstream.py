"""The upstream of a benchmark: takes OTLP traces in protobuf over HTTP, keeps nothing, and counts the spans."""

import asyncio
import gzip

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Upstream:
    """Listens on a port of loopback and counts the spans that came."""

    def __init__(self) -> None:
        self.spans = 0
        self.bytes = 0
        """Of the bodies, as they came."""

    async def listen(self, port: int) -> asyncio.Server:
        """Begin to take requests."""
        return await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", port)

    def take(self, body: bytes, encoding: bytes) -> None:
        """Count what is in a body; raise ValueError or DecodeError if it cannot be read."""
        self.bytes += len(body)
        if encoding not in (b"", b"identity", b"gzip"):
            raise ValueError(f"encoding {encoding.decode()} is not understood")
        request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if encoding == b"gzip" else body)
        scopes = (scope for resource in request.resource_spans for scope in resource.scope_spans)
        self.spans += sum(len(scope.spans) for scope in scopes)


class _Connection(asyncio.Protocol):
    """One connection: a head is read, then as many bytes as it says; bodies in chunks are not understood."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._transport: asyncio.WriteTransport | None = None
        self._head = b""
        self._encoding = b""
        self._body = bytearray()
        self._missing: int | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = b""
            self._encoding = _header(head, b"content-encoding")
            self._missing = int(_header(head, b"content-length"))
        self._body += data
        self._missing -= len(data)
        if not self._missing and self._transport is not None:
            self._upstream.take(bytes(self._body), self._encoding)
            self._body.clear()
            self._missing = None
            self._transport.write(_OK)


def _header(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(b"\r\n" + name + b":")[2].partition(b"\r")[0].strip()
