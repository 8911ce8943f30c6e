"""Upstreams that keep what they get and answer as a test wishes, and a forwarder to them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.merging import Merging
from sidecar.deliver.otlp import ForwardContext, Forwarder
from sidecar.deliver.transport import Mask
from sidecar.model.errors import MalformedInputError
from sidecar.model.forward import PROTOBUF, ForwardBody, Signal
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import StateFile
from sidecar.runtime.state.state import State
from tests.fakes import FakeClock, RecordedEvents, until

ALONE = Merging(max_bytes=0, max_bodies=1, wait_seconds=0.0)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeUpstream:
    """OTLP over HTTP: what came, and what is answered."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer | None = None

    @property
    def taken(self) -> list[bytes]:
        """Bodies of all requests, those in vain included."""
        return [body for _, body in self.requests]

    async def post(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, await request.read()))
        self.headers.append(dict(request.headers))
        return await self.answer(request) if self.answer else web.Response()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/{path:.*}", self.post)
        return app


def answering(
    status: int, body: bytes = b"", content_type: str = PROTOBUF, headers: Mapping[str, str] | None = None
) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type, headers=headers)

    return answer


def body_of(text: str, signal: Signal = "traces", content_type: str = PROTOBUF) -> ForwardBody:
    return ForwardBody(signal, content_type, text.encode())


def hidden(body: ForwardBody) -> ForwardBody:
    """Stands in for masking."""
    if b"broken" in body.body:
        raise MalformedInputError("with a secret")
    return ForwardBody(body.signal, PROTOBUF, body.body.replace(b"secret", b"***"), is_masked=True)


class Forwarding:
    """A forwarder with its meters and events in view; with a path it has a state file. Each body is sent alone."""

    def __init__(
        self, path: Path | None = None, mask: Mask = hidden, merging: Merging = ALONE, **settings: Any
    ) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        meter, state = Meter(self.registry), State()
        self.file = StateFile(Database(str(path)), state, self.clock, meter, self.events) if path else None
        config = ForwardConfig.model_validate(settings)
        context = ForwardContext(state, mask, self.clock, meter, self.events, merging=merging)
        self.forwarder = Forwarder(config, context)

    def accept(self, *texts: str, signal: Signal = "traces") -> None:
        for text in texts:
            assert self.forwarder.accept(body_of(text, signal)) == 0

    def count(self, name: str, signal: Signal | None = "traces", **labels: str) -> float | None:
        labels = ({"signal": signal} if signal else {}) | labels
        return self.registry.get_sample_value(f"sidecar_otlp_forward_{name}", labels)

    def has(self, name: str, value: float) -> bool:
        return self.count(name) == value

    async def until(self, name: str, value: float, signal: Signal | None = "traces", **labels: str) -> None:
        await until(lambda: self.count(name, signal, **labels) == value)

    async def pass_until(self, condition: Callable[[], bool], step: float = 0.25) -> None:
        """Let time pass until `condition` holds, with pauses for what happens in threads and sockets."""
        async with asyncio.timeout(10):
            while not condition():
                await self.clock.advance(step)
                await asyncio.sleep(0.002)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Forwarding"]:
        async with open_tier(self.clock, self.events) as tier:
            if self.file is not None:
                await tier.start(self.file)
            await tier.start(self.forwarder)
            yield self

    def said(self) -> list[str]:
        """Return the kinds of events so far."""
        return [type(event).__name__ for event in self.events.seen]
