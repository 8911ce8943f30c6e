"""Both ends of forwarding: senders of every transport and format, and an upstream that keeps what it gets."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import grpc.aio
from aiohttp.test_utils import TestServer

from sidecar.codec.otlp.signal import Signal
from sidecar.model.forward import JSON, PROTOBUF
from tests.servers import HOST, Sidecar
from tests.unit.codec.otlp_messages import REQUESTS, json_of, official_of
from tests.unit.deliver.test_otlp_grpc import GrpcUpstream
from tests.unit.deliver.upstreams import FakeUpstream

Way = Literal["protobuf", "json", "grpc"]
WAYS: tuple[Way, ...] = ("protobuf", "json", "grpc")
Protocol = Literal["http/protobuf", "grpc"]
PROTOCOLS: tuple[Protocol, ...] = ("http/protobuf", "grpc")
SEND_SECONDS = 10.0
"""After so long a sender would give up."""


class Sender:
    """Sends requests to a sidecar; whatever is not taken is an error."""

    def __init__(self, session: aiohttp.ClientSession, channel: grpc.aio.Channel, sidecar: Sidecar) -> None:
        self._session = session
        self._channel = channel
        self._sidecar = sidecar

    async def send(self, signal: Signal, message: Any, way: Way = "protobuf") -> None:
        """Send an official `message`."""
        data = message.SerializeToString()
        if way == "grpc":
            export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(signal.method)
            await export(data, timeout=SEND_SECONDS)
            return
        body = json.dumps(json_of(message)).encode() if way == "json" else data
        headers = {"Content-Type": JSON if way == "json" else PROTOBUF}
        url = f"{self._sidecar.otlp_url}{signal.path}"
        async with self._session.post(url, data=body, headers=headers) as response:
            assert response.status == 200, await response.read()


@asynccontextmanager
async def sending(sidecar: Sidecar) -> AsyncIterator[Sender]:
    """Open what sends to `sidecar`."""
    timeout = aiohttp.ClientTimeout(total=SEND_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        grpc.aio.insecure_channel(f"{HOST}:{sidecar.otlp_grpc_port}") as channel,
    ):
        yield Sender(session, channel, sidecar)


class Recorder:
    """An upstream of both protocols; `http.answer` and `grpc.answer` say what it answers."""

    def __init__(self) -> None:
        self.http = FakeUpstream()
        self.grpc = GrpcUpstream()
        self.urls: Mapping[Protocol, str] = {}

    def forget(self) -> None:
        """Forget what came."""
        self.http.requests.clear()
        self.http.headers.clear()
        self.grpc.requests.clear()

    def bodies(self) -> list[bytes]:
        """Return the bodies that came, by either protocol."""
        return [body for _, body in (*self.http.requests, *self.grpc.requests)]

    def received(self, signal: Signal) -> list[Any]:
        """Return the requests of `signal` that came, as official messages."""
        kind = REQUESTS[signal]
        found = [kind.FromString(body) for method, body in self.grpc.requests if method == signal.method]
        for (path, body), headers in zip(self.http.requests, self.http.headers, strict=True):
            if path == signal.path:
                is_json = headers["Content-Type"] == JSON
                found.append(official_of(signal, json.loads(body)) if is_json else kind.FromString(body))
        return found

    def items(self, signal: Signal) -> Counter[bytes]:
        """Return what came of `signal`, item for item."""
        return items_of(signal, self.received(signal))


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Listen on loopback by both protocols."""
    recorder = Recorder()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((recorder.grpc,))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    try:
        async with TestServer(recorder.http.app()) as http:
            recorder.urls = {
                "http/protobuf": str(http.make_url("/")).rstrip("/"),
                "grpc": f"http://{HOST}:{port}",
            }
            yield recorder
    finally:
        await server.stop(None)


_NAMES = {"traces": ("resource_spans", "scope_spans", "spans")}
_NAMES |= {"metrics": ("resource_metrics", "scope_metrics", "metrics")}
_NAMES |= {"logs": ("resource_logs", "scope_logs", "log_records")}


def items_of(signal: Signal, requests: Iterable[Any]) -> Counter[bytes]:
    """Return spans, metrics or log records, each with its resource and scope, however they are grouped."""
    of_request, of_resource, of_scope = _NAMES[signal.name]
    return Counter(
        b"\0".join(part.SerializeToString(deterministic=True) for part in (group.resource, scope.scope, item))
        for request in requests
        for group in getattr(request, of_request)
        for scope in getattr(group, of_resource)
        for item in getattr(scope, of_scope)
    )
