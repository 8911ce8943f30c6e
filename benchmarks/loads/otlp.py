"""OTLP requests as a benchmark sends them: over HTTP in both formats, and over gRPC."""

import asyncio
import gzip
import importlib.util
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEEDS = range(8)
PROTOBUF, JSON = "application/x-protobuf", "application/json"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Ports:
    """Where a receiver listens."""

    http: int
    grpc: int


class Body:
    """A body of many traces that is sent again and again, each time with trace ids of its own."""

    def __init__(self, template: bytes, trace_ids: Iterable[bytes]) -> None:
        self._template = template
        self._places = [[found.start() for found in re.finditer(re.escape(text), template)] for text in trace_ids]

    def __len__(self) -> int:
        """Return how many bytes it is, in each of its versions."""
        return len(self._template)

    def version(self, number: int, encode: Callable[[bytes], bytes]) -> bytes:
        """Return the body with the trace ids of version `number`; `encode` says how they are written."""
        body = bytearray(self._template)
        for trace, places in enumerate(self._places):
            text = encode(number.to_bytes(8, "big") + trace.to_bytes(8, "big"))
            for place in places:
                body[place : place + len(text)] = text
        return bytes(body)


class Load:
    """Bodies that are sent in turn, each with the same number of spans; over gRPC if they have no content type."""

    def __init__(self, name: str, spans: int, content_type: str, encoding: str, bodies: Sequence[Body]) -> None:
        self.name = name
        self.spans = spans
        self.content_type = content_type
        self.encoding = encoding
        self.mean_bytes = sum(map(len, bodies)) / len(bodies)
        self._bodies = bodies
        self._number = 0

    def next_body(self) -> bytes:
        """Return the next body to be sent: none is sent twice, as no trace is."""
        self._number += 1
        body = self._bodies[self._number % len(self._bodies)].version(self._number, self._encode)
        return gzip.compress(body, 1) if self.encoding == "gzip" else body

    def _encode(self, trace_id: bytes) -> bytes:
        return trace_id.hex().encode() if self.content_type == JSON else trace_id


def payload_module() -> Any:
    """Return the module that builds realistic requests, or None where it is absent."""
    path = Path(os.environ.get("SIDECAR_SHARED", ROOT.parent / "shared")) / "tools" / "otlp_payload.py"
    spec = importlib.util.spec_from_file_location("otlp_payload", path)
    if not path.is_file() or spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loads(payload: Any) -> Iterator[Load]:
    """Yield what is sent."""
    for spans in (1000, 100):
        requests = [payload.build(spans, seed) for seed in SEEDS]
        bodies = [Body(request.SerializeToString(), trace_ids_of(request)) for request in requests]
        texts = [
            Body(
                json.dumps(payload.to_otlp_json(request), separators=(",", ":")).encode(),
                [trace_id.hex().encode() for trace_id in trace_ids_of(request)],
            )
            for request in requests
        ]
        yield Load(f"{spans} spans", spans, PROTOBUF, "", bodies)
        yield Load(f"{spans} spans gzip", spans, PROTOBUF, "gzip", bodies)
        yield Load(f"{spans} spans JSON", spans, JSON, "", texts)
        yield Load(f"{spans} spans gRPC", spans, "", "", bodies)


def trace_ids_of(request: Any) -> set[bytes]:
    """Return the ids of the traces in a request."""
    scopes = (scope for resource in request.resource_spans for scope in resource.scope_spans)
    return {span.trace_id for scope in scopes for span in scope.spans}


async def send(load: Load, ports: Ports, seconds: float, connections: int) -> tuple[int, int]:
    """Send bodies over several connections; return how many were accepted and refused."""
    deadline = time.monotonic() + seconds
    sender = _send_over_http if load.content_type else _send_over_grpc
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sender(load, ports, deadline)) for _ in range(connections)]
    results = [task.result() for task in tasks]
    return sum(accepted for accepted, _ in results), sum(refused for _, refused in results)


async def _send_over_http(load: Load, ports: Ports, deadline: float) -> tuple[int, int]:
    """Send bodies one after the other over one connection until `deadline`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ports.http, limit=1 << 20)
    encoding = f"Content-Encoding: {load.encoding}\r\n" if load.encoding else ""
    head = f"POST /v1/traces HTTP/1.1\r\nHost: bench\r\nContent-Type: {load.content_type}\r\n{encoding}"
    accepted = refused = 0
    while time.monotonic() < deadline:
        body = load.next_body()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].partition(b"\r")[0]
        await reader.readexactly(int(length or b"0"))
        if answer[9:12] == b"200":
            accepted += 1
        else:
            refused += 1
    writer.close()
    return accepted, refused


async def _send_over_grpc(load: Load, ports: Ports, deadline: float) -> tuple[int, int]:
    """Send bodies one after the other over one channel until `deadline`."""
    import grpc  # in the sender alone: whoever is measured imports what it needs itself

    accepted = refused = 0
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}", options=options) as channel:
        export: Any = channel.unary_unary(EXPORT)
        while time.monotonic() < deadline:
            try:
                await export(load.next_body())
                accepted += 1
            except grpc.aio.AioRpcError:
                refused += 1
    return accepted, refused
