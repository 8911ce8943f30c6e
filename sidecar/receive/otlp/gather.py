"""Spans of many requests on their way to the sink, in batches over all of them.

A batch costs the stages as much as 50 spans besides those it has, so small requests cost less together than alone.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from sidecar.model.refusals import RefusalSum
from sidecar.model.span import SpanBatch, SpanGroup
from sidecar.receive.otlp.allowance import Held, Share
from sidecar.receive.otlp.meters import GatherMeters
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.meter import Meter
from sidecar.runtime.turns import REQUESTS, Turns

GATHER_SECONDS = 0.05
"""How long the first span waits for others."""
GATHER_SPANS = 1500
GATHER_BYTES = 512 << 10
"""From so many spans, or requests of so many bytes, on nothing waits for more."""
STEP_SECONDS = 0.008
"""How much time of the processor the sink should take for a part."""
FEWEST_SPANS = 20
"""Spans that are not split up any further."""
PART_SPANS = 1500
PART_BYTES = 512 << 10
"""The most of a part, whatever the sink took for the one before: all that wait, as a rule."""
FIRST_SECONDS_PER_SPAN = 1e-5
"""What a span of the first part is expected to take."""


@dataclass(frozen=True, slots=True)
class SpansFailed(Event):
    """The sink failed on spans of requests that were accepted; an error of our own."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "{spans} spans were accepted and could not be counted: {error}."
    identity: ClassVar[tuple[str, ...]] = ("error",)
    spans: int
    error: str


class Gather:
    """Component that has the spans of accepted requests wait for others, and gives all of them to `give` in parts.

    They wait for GATHER_SECONDS at most; while it does not run, they do not wait at all. What requests hold of their
    Allowance is held until `give` has their spans. Whoever reads what spans become calls `flush` before. Where `give`
    fails, the spans of that part are lost, counted and told; it never fails for other parts, or for a request. How
    long `give` takes is told by `worked_seconds`, which does not count what others do on the machine meanwhile.
    """

    name = "gather"

    def __init__(
        self,
        give: Callable[[SpanBatch], object],
        clock: Clock,
        meter: Meter,
        events: Events,
        worked_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self._give = give
        self._worked_seconds = worked_seconds
        self._clock = clock
        self._meters = GatherMeters(meter)
        self._events = events
        self._turns = Turns(clock, REQUESTS)
        self._is_running = False
        self._is_waiting = asyncio.Event()
        self._due_seconds = 0.0
        self._groups: list[SpanGroup] = []
        self._spans = 0
        self._bytes = 0
        self._received_at = 0.0
        self._shares: list[Share] = []
        self._parts: deque[SpanBatch] = deque()
        self._shares_of_parts: list[Share] = []
        self._seconds_per_span = FIRST_SECONDS_PER_SPAN

    async def run(self, ready: Callable[[], None]) -> None:
        """Flush in time until cancelled, and then once more."""
        self._is_running = True
        ready()
        try:
            while True:
                await self._is_waiting.wait()
                due_seconds = self._due_seconds
                await self._clock.sleep(due_seconds - self._clock.monotonic())
                if due_seconds == self._due_seconds:  # else those it was about are gone, and others wait
                    await self.flush()
        finally:
            self._is_running = False
            await self.flush()

    async def take(self, batches: Iterable[SpanBatch], held: Held, turns: Turns) -> tuple[int, RefusalSum]:
        """Take the spans of a request that is known to be good; return how many, of which none is ever refused.

        Of a large one all are with the sink when this returns, and of one that makes enough together with others.
        """
        total = 0
        is_large = held.bytes >= GATHER_BYTES
        if is_large:
            await self.flush()
        for batch in batches:
            total += len(batch)
            self._add(batch)
            if is_large or self._spans >= GATHER_SPANS:
                await self.flush()
            await turns.pause()
        if self._spans:
            self._bytes += held.bytes
            self._shares.append(held.hand_over())
        if self._bytes >= GATHER_BYTES or not self._is_running:
            await self.flush()
        return total, RefusalSum()

    async def flush(self) -> None:
        """Return when the sink has everything that was taken before; cancelled, leave what it has not for the next."""
        if not self._spans and not self._parts:
            return
        async with self._turns.begin():
            self._cut()
            while self._parts:
                self._give_part(self._next_part())
                await self._turns.pause()
            shares, self._shares_of_parts = self._shares_of_parts, []
            for share in shares:
                share.give_back()

    def _add(self, batch: SpanBatch) -> None:
        if not len(batch):
            return
        if not self._spans:
            self._due_seconds = self._clock.monotonic() + GATHER_SECONDS
            self._is_waiting.set()
        self._groups += batch.groups
        self._spans += len(batch)
        self._received_at = batch.received_at

    def _cut(self) -> None:
        """Make parts of what waits."""
        if self._spans:
            pieces = max(ceil(self._spans / PART_SPANS), ceil(self._bytes / PART_BYTES))
            batch = SpanBatch(self._received_at, self._groups)
            self._parts += batch.split(ceil(self._spans / pieces))
            self._meters.flushed(self._spans)
        self._shares_of_parts += self._shares
        self._groups, self._spans, self._bytes, self._shares = [], 0, 0, []
        self._is_waiting.clear()

    def _next_part(self) -> SpanBatch:
        """Return the next part, or what the sink can take of it in a step if spans take as long as the last ones."""
        part = self._parts.popleft()
        steps = ceil(len(part) * self._seconds_per_span / STEP_SECONDS)
        if steps > 1 and len(part) > FEWEST_SPANS:
            part, *others = part.split(max(FEWEST_SPANS, ceil(len(part) / steps)))
            self._parts.extendleft(reversed(others))
        return part

    def _give_part(self, part: SpanBatch) -> None:
        begun = self._worked_seconds()
        try:
            self._give(part)
        except Exception as error:  # noqa: BLE001 - the edge: who sent them has an answer, and others' spans go on
            self._meters.failed(len(part))
            self._events.emit(SpansFailed(len(part), reason_of(error)))
        if len(part) >= FEWEST_SPANS:
            self._seconds_per_span = (self._worked_seconds() - begun) / len(part)
