"""An OTLP receiver that keeps what SDKs export, as OTLP/JSON."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.codec.otlp.signal import LOGS, TRACES
from tests.unit.codec.otlp_messages import REQUESTS, json_of

SIGNALS = {signal.path: signal for signal in (TRACES, LOGS)}


class Export(NamedTuple):
    """A request of an exporter: the signal's name, and its body as OTLP/JSON."""

    signal: str
    body: Any


class Collector(NamedTuple):
    """Where to send, and what came so far."""

    url: str
    exports: list[Export]


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Listen on loopback."""
    exports: list[Export] = []

    async def take(request: web.Request) -> web.Response:
        body, signal = await request.read(), SIGNALS[request.path]
        is_json = request.content_type == "application/json"
        exports.append(Export(signal.name, json.loads(body) if is_json else json_of(REQUESTS[signal].FromString(body))))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post(path, take) for path in SIGNALS])
    async with TestServer(app) as server:
        yield Collector(str(server.make_url("")).rstrip("/"), exports)
