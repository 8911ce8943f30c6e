"""A request's bytes into the sink: nothing of it if they are not what they should be."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.sample import Sink
from sidecar.model.span import SpanBatch
from sidecar.runtime.clock import Clock

TURN_SECONDS = 0.003
"""How long a request works before others may: with one more batch of 2 ms, 5 ms at most."""
OTHERS_ROUNDS = 5
"""Rounds of the event loop that others get between two turns: a probe takes about eight, and an empty one 10 us."""
_HELD_BATCHES = 32
"""Batches of a body that are kept parsed while the rest is checked; longer bodies are parsed again instead, because
64 MiB of tiny spans would be gigabytes of parsed ones."""


class Ingested(NamedTuple):
    """What became of a request: spans given to the sink, spans left out, and parts of spans left out, by their kind."""

    accepted: int
    rejected: int
    skipped: Mapping[str, int]


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

    async def ingest(self, body: bytes) -> Ingested:
        """Give the spans of `body` to the sink; raise SenderError before any was given."""
        async with self._one_at_a_time:
            self._turn_ends = self._clock.monotonic() + TURN_SECONDS
            received_at = self._clock.now()
            whole = SpanBatches(body, received_at)
            batches = iter(whole)
            held = []
            for batch in islice(batches, _HELD_BATCHES):
                held.append(batch)
                await self._let_others_run()
            is_whole = True
            for _ in batches:
                is_whole = False
                await self._let_others_run()
            count = await self._feed(held) if is_whole else await self._feed_again(body, received_at, held)
            return Ingested(count, whole.rejected, whole.skipped)

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
        for batch in SpanBatches(body, received_at):
            self._sink.accept(batch)
            count += len(batch)
            await self._let_others_run()
        return count

    async def _let_others_run(self) -> None:
        if self._clock.monotonic() >= self._turn_ends:
            for _ in range(OTHERS_ROUNDS):
                await asyncio.sleep(0)
            self._turn_ends = self._clock.monotonic() + TURN_SECONDS
