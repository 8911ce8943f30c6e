"""Network addresses as they stand in the configuration."""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator
from typing_extensions import override


class Address(NamedTuple):
    """Where to listen; an empty host means every interface, IPv6 and IPv4."""

    host: str
    port: int

    @override
    def __str__(self) -> str:
        """Return `host:port`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def is_reached_at(self, host: str, port: int) -> bool:
        """Whether who connects to `host:port`, as it is written, gets here; names are not looked up."""
        here = Address(host, port).is_loopback or host in _EVERYWHERE
        return port == self.port and (host == self.host or (here and (self.is_loopback or self.host in _EVERYWHERE)))

    def excludes(self, other: "Address") -> bool:
        """Whether nobody can listen at both; names are not looked up, and port 0 is any free one."""
        hosts = {self.host, other.host}
        v4_and_v6 = "0.0.0.0" in hosts and any(":" in host for host in hosts - {"::"})  # noqa: S104 - a name
        is_same = self.host == other.host or (not v4_and_v6 and not hosts.isdisjoint(_EVERYWHERE))
        return self.port == other.port != 0 and is_same


MAX_PORT = 65535

_PORT = re.compile("[0-9]{1,5}")  # `str.isdigit` takes the digits of every script, and superscripts, which are no int
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - the names of every interface, none is opened here


def parse_address(value: Any) -> Address:
    """Return `host:port`, `[v6]:port`, `:port` or a bare port as an Address; raise ValueError for anything else."""
    if isinstance(value, Address):
        return value
    host, _, port = str(value).rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"`{value}`: an IPv6 host stands in brackets, as in `[::1]:9464`")
    if not _PORT.fullmatch(port) or int(port) > MAX_PORT:
        raise ValueError(f"`{value}` is not an address to listen on; use `host:port` or `:port`")
    return Address(host, int(port))


ListenAddress = Annotated[Address, BeforeValidator(parse_address)]
