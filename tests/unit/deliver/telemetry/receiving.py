"""An OTLP receiver for tests: keeps what it gets, answers as the test wishes."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Received:
    """What came; `status` is the next answer, None is none at all."""

    url: str = ""
    status: int | None = 200
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    answer: tuple[int, str] | None = None
    """Status and Location of a redirect, for requests whose path does not end in `/moved`."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def last_metrics(self) -> dict[str, Metric]:
        scopes = self.metrics[-1].resource_metrics[0].scope_metrics
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    async def post(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.status is None:
            await self.over.wait()
        if self.answer is not None and not request.path.endswith("/moved"):
            status, location = self.answer
            return web.Response(status=status, headers={"Location": location.format(path=request.path)})
        if self.status == 200:
            self.paths.append(request.path)
            self.headers.append(dict(request.headers))
            self._keep(request.path, body)
        return web.Response(status=self.status or 500)

    def _keep(self, path: str, body: bytes) -> None:
        path = path.removesuffix("/moved")
        body = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        if path.endswith("/v1/traces"):
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        elif path.endswith("/v1/metrics"):
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))


@asynccontextmanager
async def receiver() -> AsyncIterator[Received]:
    """Listen on loopback; `url` is the endpoint to configure."""
    received = Received()
    app = web.Application()
    app.router.add_post("/{path:.*}", received.post)
    async with TestServer(app) as server:
        received.url = str(server.make_url("/otlp"))
        yield received
        received.over.set()


def attributes_of(message: Span | Resource) -> dict[str, str | int]:
    """Return the attributes of a message by name."""
    return {
        pair.key: pair.value.int_value if pair.value.HasField("int_value") else pair.value.string_value
        for pair in message.attributes
    }
