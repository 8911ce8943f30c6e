"""A server of names on loopback, whose records a test sets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from typing_extensions import override


class NameServer(asyncio.DatagramProtocol):
    """Answers from `records`, by name and type; `rcode` instead, and not at all while it is `silent`."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.rcode = dns.rcode.NOERROR
        self.silent = False
        self.address = ""
        self._transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.silent:
            self._transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        records = self.records.get((question.name.to_text(omit_final_dot=True), kind), [])
        if records:
            response.answer.append(dns.rrset.from_text(question.name, 1, "IN", kind, *records))
        elif all(name != question.name.to_text(omit_final_dot=True) for name, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.rcode:
            response.set_rcode(self.rcode)
        return response


@asynccontextmanager
async def open_name_server() -> AsyncIterator[NameServer]:
    """Open one on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
