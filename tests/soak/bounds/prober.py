"""A probe that is asked every few milliseconds, from a process of its own: what it saw is told when asked for.

    python -m tests.soak.bounds.prober PORT

Each line on standard input is answered with a JSON list: the milliseconds that /livez took since the line before.
"""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Self

import numpy as np

from tests.conftest import ROOT
from tests.servers import HOST

INTERVAL_SECONDS = 0.005
REQUEST = b"GET /livez HTTP/1.1\r\nHost: sidecar\r\n\r\n"
GOOD = b"HTTP/1.1 200 "


class Prober:
    """Another process that asks /livez on `port` all the time."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "tests.soak.bounds.prober", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def milliseconds(self) -> "Latencies":
        """Return how long the probes took since this was asked last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Latencies(json.loads(self._process.stdout.readline()))

    def __enter__(self) -> Self:
        self.milliseconds()  # it has begun
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # which closes its standard input, so it ends
            pass


class Latencies:
    """Milliseconds that probes took; none if there was no probe."""

    def __init__(self, milliseconds: Sequence[float]) -> None:
        self._values = np.array(milliseconds)

    def percentile(self, percent: float) -> float:
        """Return what `percent` of them took at most."""
        return float(np.percentile(self._values, percent)) if self._values.size else 0.0


def probe(port: int) -> None:
    """Ask until standard input ends.

    Probes come when they want, not when the one before was answered: of one that took long, those that would have been
    asked meanwhile are counted with the rest of the time that they would have waited.
    """
    latencies: list[float] = []
    with socket.create_connection((HOST, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            if select.select([sys.stdin], [], [], INTERVAL_SECONDS)[0]:
                if not sys.stdin.readline():
                    return
                print(json.dumps(latencies), flush=True)
                latencies.clear()
            took = _ask(connection)
            while took > 0:
                latencies.append(round(1000 * took, 3))
                took -= INTERVAL_SECONDS


def _ask(connection: socket.socket) -> float:
    """Return how many seconds an answer took; raise ConnectionError if it is not a good one."""
    asked = time.perf_counter()
    connection.sendall(REQUEST)
    answer = connection.recv(1 << 16)
    if not answer.startswith(GOOD):
        raise ConnectionError(f"/livez answered {answer!r}")
    return time.perf_counter() - asked


if __name__ == "__main__":
    probe(int(sys.argv[1]))
