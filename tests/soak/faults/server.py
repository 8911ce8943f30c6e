"""A server that answers every request at once, in a process of its own: the app, or what probes are compared with.

python -m tests.soak.faults.server CORE PORT...
"""

import asyncio
import os
import sys

from typing_extensions import override

from tests.servers import HOST

BODY = b"# TYPE app_requests_total counter\napp_requests_total 1\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Answering(asyncio.Protocol):
    """Says ANSWER to the first that a connection brings."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


async def serve(ports: list[int]) -> None:
    """Answer at all `ports`, for good."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Answering, HOST, port, backlog=1024) for port in ports]
    await servers[0].serve_forever()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    asyncio.run(serve([int(word) for word in sys.argv[2:]]))
