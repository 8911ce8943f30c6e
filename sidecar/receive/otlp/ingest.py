"""A request's bytes into the sink: all of them or nothing."""

import asyncio
from itertools import islice

from sidecar.codec.otlp.traces import span_batches
from sidecar.model.sample import Sink
from sidecar.model.span import SpanBatch
from sidecar.runtime.clock import Clock

_HELD_BATCHES = 32
"""Batches of a body that are kept parsed while the rest is checked; longer bodies are parsed again instead, because
64 MiB of tiny spans would be gigabytes of parsed ones."""


async def ingest_traces(body: bytes, sink: Sink[SpanBatch], clock: Clock) -> int:
    """Give all spans of `body` to `sink` and return their number; raise SenderError before any was given.

    Others may run after each batch, so probes are answered while a large body is worked on.
    """
    received_at = clock.now()
    batches = span_batches(body, received_at)
    held = []
    for batch in islice(batches, _HELD_BATCHES):
        held.append(batch)
        if len(held) > 1:
            await asyncio.sleep(0)
    is_whole = True
    for _ in batches:
        is_whole = False
        await asyncio.sleep(0)
    return await _feed(held, sink) if is_whole else await _feed_again(body, received_at, held, sink)


async def _feed(batches: list[SpanBatch], sink: Sink[SpanBatch]) -> int:
    count = 0
    for number, batch in enumerate(batches):
        if number:
            await asyncio.sleep(0)
        sink.accept(batch)
        count += len(batch)
    return count


async def _feed_again(body: bytes, received_at: float, held: list[SpanBatch], sink: Sink[SpanBatch]) -> int:
    count = 0
    held.clear()
    for batch in span_batches(body, received_at):
        sink.accept(batch)
        count += len(batch)
        await asyncio.sleep(0)
    return count
