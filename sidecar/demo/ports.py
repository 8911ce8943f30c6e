"""Ports on loopback for servers that must be told theirs before they start."""

import os
import random
import socket
from collections import deque
from pathlib import Path

HOST = "127.0.0.1"
LOWEST, HIGHEST = 10_000, 65_535
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1000
MOST_HELD = 64
"""Ports that are held at a time: the servers of earlier ones listen by then."""


def _first_ephemeral() -> int:
    """Return the first port that the kernel gives to connections; where it leaves few below, one above all."""
    try:
        first = int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return HIGHEST
    return first if first > 2 * LOWEST else HIGHEST


FIRST_EPHEMERAL = _first_ephemeral()
_given: set[int] = set()
_held: deque[int] = deque()


def free_port() -> int:
    """Return a port that nobody listens on and that no process was given lately, this one never before.

    It lies below those that the kernel gives to connections: where many are made, one would have it before its server
    starts, or while that is down for a moment.
    """
    for _ in range(TRIES):
        port = random.randint(LOWEST, FIRST_EPHEMERAL - 1)  # noqa: S311 - not a secret
        if port not in _given and _hold(port):
            _given.add(port)
            return port
    return _any_port()


def _hold(port: int) -> bool:
    """Keep `port` from those who ask as we do, but not from a server, and return whether it was to be had."""
    holder = socket.socket()
    try:
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        return False
    # Not before: two holders would have it. A server sets the same and may then listen beside one that does not.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _held.append(holder.detach())
    if len(_held) > MOST_HELD:
        os.close(_held.popleft())
    return True


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
