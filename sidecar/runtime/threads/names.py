"""Addresses of hosts: one that is an address already needs nobody; of a name, one thread at most asks at a time."""

import asyncio
import socket
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any

from typing_extensions import override

from sidecar.runtime.threads.purposes import NAMES

Address = tuple[Any, ...]
"""What a socket connects to: host, port, and for IPv6 flow and scope."""
AddressInfo = tuple[int, int, int, str, Address]
"""Family, type, protocol, canonical name and address, as `socket.getaddrinfo` returns them."""

_PROTOCOLS = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}


class NamesLoop(asyncio.SelectorEventLoop):
    """An event loop whose libraries, whatever they connect to, look names up here and not in its default executor."""

    @override
    async def getaddrinfo(  # type: ignore[override] # typeshed knows more precise addresses
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[AddressInfo]:
        return await addresses_of(host, port, family=family, type=type, proto=proto, flags=flags)

    @override
    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return await NAMES.run(partial(socket.getnameinfo, sockaddr, flags), source=(sockaddr, flags))


async def addresses_of(
    host: Any, port: Any, *, family: int = 0, type: int = socket.SOCK_STREAM, proto: int = 0, flags: int = 0
) -> list[AddressInfo]:
    """Return what `socket.getaddrinfo` does, and raise what it raises."""
    if isinstance(host, str) and host and isinstance(port, int):
        literal = _literal(host, port, family, type, proto)
        if literal is not None:
            return [literal]
        found = await _looked_up(host, 0, family, type, proto, flags)  # whatever the port, it is one lookup
        return [(*info[:4], (info[4][0], port, *info[4][2:])) for info in found]
    return await _looked_up(host, port, family, type, proto, flags)


async def _looked_up(host: Any, port: Any, *hints: int) -> list[AddressInfo]:
    return await NAMES.run(partial(_asked, host, port, *hints), source=(host, port, *hints))


def _asked(host: Any, port: Any, *hints: int) -> list[AddressInfo]:
    return [*socket.getaddrinfo(host, port, *hints)]


def _literal(host: str, port: int, family: int, type: int, proto: int) -> AddressInfo | None:
    """Return the address that `host` is; None for a name, and for what only the resolver can tell."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    version, rest = (socket.AF_INET6, (0, 0)) if isinstance(address, IPv6Address) else (socket.AF_INET, ())
    if "%" in host or family not in {socket.AF_UNSPEC, version} or type not in _PROTOCOLS:
        return None
    return version, type, proto or _PROTOCOLS[socket.SocketKind(type)], "", (host, port, *rest)
