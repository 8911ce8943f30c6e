"""OTLP requests as a benchmark sends them: over HTTP in both formats, and over gRPC."""

import asyncio
import gzip
import importlib.util
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEEDS = range(8)
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Ports:
    """Where a receiver listens."""

    http: int
    grpc: int


@dataclass(frozen=True)
class Load:
    """Bodies that are sent in turn, each with the same number of spans; over gRPC if they have no content type."""

    name: str
    spans: int
    content_type: str
    encoding: str
    bodies: Sequence[bytes]


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
    protobuf, in_json = "application/x-protobuf", "application/json"
    for spans in (1000, 100):
        requests = [payload.build(spans, seed) for seed in SEEDS]
        bodies = [request.SerializeToString() for request in requests]
        texts = [json.dumps(payload.to_otlp_json(request), separators=(",", ":")).encode() for request in requests]
        yield Load(f"{spans} spans", spans, protobuf, "", bodies)
        yield Load(f"{spans} spans gzip", spans, protobuf, "gzip", [gzip.compress(body, 6) for body in bodies])
        yield Load(f"{spans} spans JSON", spans, in_json, "", texts)
        yield Load(f"{spans} spans gRPC", spans, "", "", bodies)


async def send(load: Load, ports: Ports, seconds: float, connections: int) -> tuple[int, int]:
    """Send bodies over several connections; return how many were accepted and refused."""
    deadline = time.monotonic() + seconds
    sender = _send_over_http if load.content_type else _send_over_grpc
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sender(load, ports, deadline, number)) for number in range(connections)]
    results = [task.result() for task in tasks]
    return sum(accepted for accepted, _ in results), sum(refused for _, refused in results)


async def _send_over_http(load: Load, ports: Ports, deadline: float, first: int) -> tuple[int, int]:
    """Send bodies one after the other over one connection until `deadline`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ports.http, limit=1 << 20)
    encoding = f"Content-Encoding: {load.encoding}\r\n" if load.encoding else ""
    head = f"POST /v1/traces HTTP/1.1\r\nHost: bench\r\nContent-Type: {load.content_type}\r\n{encoding}"
    accepted = refused = 0
    while time.monotonic() < deadline:
        body = load.bodies[(first + accepted) % len(load.bodies)]
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


async def _send_over_grpc(load: Load, ports: Ports, deadline: float, first: int) -> tuple[int, int]:
    """Send bodies one after the other over one channel until `deadline`."""
    import grpc  # in the sender alone: whoever is measured imports what it needs itself

    accepted = refused = 0
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}", options=options) as channel:
        export: Any = channel.unary_unary(EXPORT)
        while time.monotonic() < deadline:
            try:
                await export(load.bodies[(first + accepted) % len(load.bodies)])
                accepted += 1
            except grpc.aio.AioRpcError:
                refused += 1
    return accepted, refused
