"""A request's bytes into the sink: all of them or nothing."""

import asyncio
from itertools import islice

from sidecar.codec.otlp.traces import span_batches
from sidecar.model.sample import Sink
from sidecar.model.span import SpanBatch
from sidecar.runtime.clock import Clock

TURN_SECONDS = 0.003
"""How long a request works before others may: with one more batch of 2 ms, 5 ms at most."""
_HELD_BATCHES = 32
"""Batches of a body that are kept parsed while the rest is checked; longer bodies are parsed again instead, because
64 MiB of tiny spans would be gigabytes of parsed ones."""


class TraceIngest:
    """Gives the spans of request bodies to a sink, one request after the other.

    While one is worked on, the other senders wait: were they all to take their turn in each round of the event loop,
    a probe would wait for all of them, and several parsed bodies would be in memory at once.
    """

    def __init__(self, sink: Sink[SpanBatch], clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._turn_ends = 0.0

    async def ingest(self, body: bytes) -> int:
        """Give all spans of `body` to the sink and return their number; raise SenderError before any was given."""
        async with self._one_at_a_time:
            self._turn_ends = self._clock.monotonic() + TURN_SECONDS
            received_at = self._clock.now()
            batches = span_batches(body, received_at)
            held = []
            for batch in islice(batches, _HELD_BATCHES):
                held.append(batch)
                await self._let_others_run()
            is_whole = True
            for _ in batches:
                is_whole = False
                await self._let_others_run()
            return await self._feed(held) if is_whole else await self._feed_again(body, received_at, held)

    async def _feed(self, batches: list[SpanBatch]) -> int:
        count = 0
        for batch in batches:
            self._sink.accept(batch)
            count += len(batch)
            await self._let_others_run()
        return count

    async def _feed_again(self, body: bytes, received_at: float, held: list[SpanBatch]) -> int:
        count = 0
        held.clear()
        for batch in span_batches(body, received_at):
            self._sink.accept(batch)
            count += len(batch)
            await self._let_others_run()
        return count

    async def _let_others_run(self) -> None:
        if self._clock.monotonic() >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = self._clock.monotonic() + TURN_SECONDS
