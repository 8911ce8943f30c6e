"""Masking of what is forwarded, before it is queued, written to disk or sent."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from sidecar.codec.otlp.json.conversion import protobuf_of
from sidecar.codec.otlp.masked import masked
from sidecar.deliver.backlog import Limits
from sidecar.deliver.forward_events import ForwardUnreadable
from sidecar.deliver.forward_meters import ForwardMeters
from sidecar.deliver.outcome import Outcome, Rejected
from sidecar.deliver.transport import Mask, Transport
from sidecar.model.forward import JSON, PROTOBUF, ForwardBody
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.runtime.events import Events
from sidecar.runtime.threads.purposes import BODIES


class RequestMasking:
    """Masks whole requests as `config` says; meant for threads, so with a redactor of its own."""

    def __init__(self, config: RedactConfig) -> None:
        self._redactor = Redactor(config)

    def __call__(self, body: ForwardBody) -> ForwardBody:
        """Return `body` masked and in protobuf; raise MalformedInputError or TooLargeError."""
        signal = body.signal
        data = protobuf_of(signal, body.body) if body.content_type == JSON else body.body
        return ForwardBody(signal, PROTOBUF, masked(signal, data, self._redactor), is_masked=True)


class Masking:
    """Bodies that wait to be masked, one after the other in a thread; each goes to `take` then.

    At most `limits` wait; beyond that the oldest is dropped, so that `put` never waits. One that cannot be masked is
    given up.
    """

    def __init__(
        self, limits: Limits, mask: Mask, take: Callable[[ForwardBody], None], meters: ForwardMeters, events: Events
    ) -> None:
        self.bytes = 0
        self._limits = limits
        self._mask = mask
        self._take = take
        self._meters = meters
        self._events = events
        self._waiting: deque[ForwardBody] = deque()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return how many bodies wait."""
        return len(self._waiting)

    def put(self, body: ForwardBody) -> None:
        """Append a body; the oldest that wait make room, or it is dropped itself where that does not help."""
        if len(body.body) > self._limits.max_bytes:
            self._meters.dropped(body.signal, "queue_full")
            return
        self._waiting.append(body)
        self.bytes += len(body.body)
        while self.bytes > self._limits.max_bytes or len(self._waiting) > self._limits.max_requests:
            self._drop("queue_full")
        self._changed.set()

    async def run(self) -> None:
        """Mask what comes, until cancelled."""
        while True:
            await self.finish()
            self._changed.clear()
            await self._changed.wait()

    async def finish(self) -> None:
        """Mask what waits."""
        while self._waiting:
            body = self._pop()
            try:
                await self._work_on(body)
            except asyncio.CancelledError:
                self._waiting.appendleft(body)
                self.bytes += len(body.body)
                raise

    def drop_waiting(self, reason: str) -> None:
        """Drop what waits."""
        while self._waiting:
            self._drop(reason)

    async def _work_on(self, body: ForwardBody) -> None:
        try:
            self._take(await BODIES.run(partial(self._mask, body)))
        except Exception as error:  # noqa: BLE001 - the edge: a body that breaks the masking must harm no other
            self._meters.failed(body.signal, "unreadable")
            self._events.emit(ForwardUnreadable(body.signal, type(error).__name__))

    def _pop(self) -> ForwardBody:
        body = self._waiting.popleft()
        self.bytes -= len(body.body)
        return body

    def _drop(self, reason: str) -> None:
        self._meters.dropped(self._pop().signal, reason)


class MaskingTransport:
    """Sends to `transport`, and masks before that what was written to disk without it."""

    def __init__(self, transport: Transport, mask: Mask) -> None:
        self._transport = transport
        self._mask = mask

    async def send(self, body: ForwardBody, seconds: float) -> Outcome:
        """Send one body within `seconds`, not counting the time that masking takes."""
        if not body.is_masked:
            try:
                body = await BODIES.run(partial(self._mask, body))
            except Exception as error:  # noqa: BLE001 - the edge: a body that breaks the masking must harm no other
                return Rejected(f"cannot be masked: {type(error).__name__}")
        return await self._transport.send(body, seconds)
