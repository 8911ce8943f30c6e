"""Sockets that listen."""

import errno
import socket

from sidecar.model.address import Address
from sidecar.model.errors import OperatorError

BACKLOG = 128
EVERY_INTERFACE = {"", "::"}


def listening_socket(address: Address, what: str) -> socket.socket:
    """Return a non-blocking socket that listens on `address`; port 0 asks for any free one.

    An empty host and `::` take IPv6 and IPv4 alike, or IPv4 alone where there is no IPv6 (asyncio on its own would make
    `::` IPv6 only). Raises OperatorError, naming `what` and the address, when it cannot be had.
    """
    try:
        listener = _create(address)
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise OperatorError(f"{what}: cannot listen on `{address}`: {reason}") from error
    listener.setblocking(False)
    return listener


def _create(address: Address) -> socket.socket:
    if address.host in EVERY_INTERFACE:
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", address.port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
            )
        return socket.create_server(("", address.port), backlog=BACKLOG)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
