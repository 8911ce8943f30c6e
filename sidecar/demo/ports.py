"""Ports on loopback for servers that must be told theirs before they start."""

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
LOWEST, HIGHEST = 10_000, 65_535
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1000


def _first_ephemeral() -> int:
    """Return the first port that the kernel gives to connections; where it leaves few below, one above all."""
    try:
        first = int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return HIGHEST
    return first if first > 2 * LOWEST else HIGHEST


FIRST_EPHEMERAL = _first_ephemeral()
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on and that this process was not given before.

    It lies below those that the kernel gives to connections: where many are made, one would have it before its server
    starts, or while that is down for a moment.
    """
    for _ in range(TRIES):
        port = random.randint(LOWEST, FIRST_EPHEMERAL - 1)  # noqa: S311 - not a secret
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    return _any_port()


def is_free(port: int) -> bool:
    """Return whether one can listen on `port` now."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
