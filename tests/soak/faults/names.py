"""A server of names that goes silent when told to: it knows the names below DOMAIN, which are all this machine."""

import asyncio
import struct
from socket import inet_aton
from typing import cast

from typing_extensions import override

from tests.servers import HOST

ADDRESS = ("127.0.15.15", 53)
DOMAIN = "soak.test"
HEADER = struct.Struct("!HHHHHH")
RESOLVER = f"nameserver {ADDRESS[0]}\n"
"""What the system's resolver must be told."""
A = 1
ANSWERED, NO_SUCH_NAME = 0x8580, 0x8583


class NameServer(asyncio.DatagramProtocol):
    """Answers at ADDRESS from `open` to `close`, unless it is `silent`."""

    def __init__(self) -> None:
        self.silent = False
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Begin."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ADDRESS)

    def close(self) -> None:
        """End."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # of asyncio's own classes none is one

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent and self._transport is not None:
            self._transport.sendto(answer_to(data), addr)


def answer_to(query: bytes) -> bytes:
    """Return what the server says to a query of one question."""
    number = HEADER.unpack_from(query)[0]
    end = query.index(b"\0", HEADER.size) + 5
    question, name = query[HEADER.size : end], query[HEADER.size : end - 4]
    labels = b"".join(bytes([len(label)]) + label.encode() for label in DOMAIN.split("."))
    if not name.lower().endswith(labels + b"\0"):
        return HEADER.pack(number, NO_SUCH_NAME, 1, 0, 0, 0) + question
    if int.from_bytes(question[-4:-2], "big") != A:
        return HEADER.pack(number, ANSWERED, 1, 0, 0, 0) + question
    address = struct.pack("!HHHIH", 0xC00C, A, 1, 0, 4) + inet_aton(HOST)
    return HEADER.pack(number, ANSWERED, 1, 1, 0, 0) + question + address
