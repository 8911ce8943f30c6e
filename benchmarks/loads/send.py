"""Sends bodies to an OTLP receiver at a steady pace, over HTTP or gRPC."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.loads.body import Body
from benchmarks.loads.otlp import Load

PATIENCE_SECONDS = 1.0
"""How much longer requests may take that a pause of the receiver kept waiting; one that cannot keep up is later."""
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Ports:
    """Where a receiver listens."""

    http: int
    grpc: int


@dataclass
class Sent:
    """What became of the requests that were due."""

    due: int
    accepted: int = 0
    refused: int = 0

    @property
    def held_ratio(self) -> float:
        """Which share of those that were due was sent in time."""
        return (self.accepted + self.refused) / self.due


class Sender:
    """Sends the bodies of a load in turn, each time as new ones: no trace comes twice, whatever is sent before."""

    def __init__(self, load: Load, ports: Ports, spans_per_second: float, connections: int) -> None:
        self._load = load
        self._ports = ports
        self._requests_per_second = spans_per_second / load.spans
        self._connections = connections
        self._bodies: Sequence[Body] = load.bodies()
        self._number = 0

    async def send(self, seconds: float) -> Sent:
        """Send as many requests as are due within `seconds`, each at its moment; what is much too late is left out."""
        pace = Pace(self._requests_per_second, seconds, PATIENCE_SECONDS)
        sent = Sent(pace.count)
        connection = self._over_grpc if self._load.way == "gRPC" else self._over_http
        async with asyncio.TaskGroup() as group:
            for _ in range(self._connections):
                group.create_task(connection(pace, sent))
        return sent

    def next_body(self) -> bytes:
        """Return the next body, as it is written in its way of sending."""
        self._number += 1
        body = self._bodies[self._number % len(self._bodies)].version(self._number, time.time_ns())
        return gzip.compress(body, 1) if self._load.way == "protobuf, gzip" else body

    async def _over_http(self, pace: "Pace", sent: Sent) -> None:
        """Send bodies one after the other over one connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ports.http, limit=1 << 20)
        kind = "json" if self._load.way == "JSON" else "x-protobuf"
        encoding = "Content-Encoding: gzip\r\n" if self._load.way == "protobuf, gzip" else ""
        head = f"POST /v1/traces HTTP/1.1\r\nHost: bench\r\nContent-Type: application/{kind}\r\n{encoding}"
        async for _ in pace.moments():
            body = self.next_body()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = answer.partition(b"content-length:")[2].partition(b"\r")[0]
            await reader.readexactly(int(length or b"0"))
            if answer[9:12] == b"200":
                sent.accepted += 1
            else:
                sent.refused += 1
        writer.close()

    async def _over_grpc(self, pace: "Pace", sent: Sent) -> None:
        """Send bodies one after the other over one channel."""
        import grpc  # in the sender alone: whoever is measured imports what it needs itself

        options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._ports.grpc}", options=options) as channel:
            export: Any = channel.unary_unary(EXPORT)
            async for _ in pace.moments():
                try:
                    await export(self.next_body())
                    sent.accepted += 1
                except grpc.aio.AioRpcError:
                    sent.refused += 1


class Pace:
    """The moments at which something is due, evenly over some seconds from the first look on, for several to share."""

    def __init__(self, per_second: float, seconds: float, patience_seconds: float) -> None:
        self.count = max(1, round(per_second * seconds))
        self._interval = 1 / per_second
        self._longest = seconds + patience_seconds
        self._taken = 0
        self._begun: float | None = None

    async def moments(self) -> AsyncIterator[int]:
        """Yield the number of each moment when it has come, at once if it is over, until time and patience are."""
        loop = asyncio.get_running_loop()
        if self._begun is None:
            self._begun = loop.time()
        while self._taken < self.count and loop.time() <= self._begun + self._longest:
            number = self._taken
            self._taken += 1
            wait = self._begun + number * self._interval - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            yield number
