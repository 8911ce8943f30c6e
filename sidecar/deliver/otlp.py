"""Forwarding what was received by OTLP to an upstream: the received bytes, or what masking leaves of them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from sidecar.deliver.backlog import Backlog, Limits
from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.entry import Entry, Tries, signal_of
from sidecar.deliver.forward_events import ForwardFailing, ForwardGivenUp, ForwardPartlyRefused, ForwardRecovered
from sidecar.deliver.forward_meters import ForwardMeters
from sidecar.deliver.masking import Masking, MaskingTransport
from sidecar.deliver.merging import MERGING, Merging, in_halves, joined
from sidecar.deliver.otlp_http import open_http_transport
from sidecar.deliver.outage import EndedOutage, Outage
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry, outcome_of
from sidecar.deliver.pace import Pace
from sidecar.deliver.transport import Mask, Transport
from sidecar.model.forward import ForwardBody
from sidecar.model.redact import redact
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.state.spill import SpillQueue
from sidecar.runtime.state.state import State
from sidecar.runtime.unending import unending

DRAIN_SECONDS = 2.0
"""Budget for what still waits at shutdown, and the same again for masking before and for writing to disk after."""
STORE_EVERY_SECONDS = 0.25
"""How often is looked for what is late, so that it is on disk within a second."""
TRIES_IN_A_ROW = 5
"""After so many a body goes to the end of the line: one that the upstream cannot digest must not hold up the others."""
MOST_TRIES = 20
"""After so many a body is given up, if the upstream took others meanwhile."""


@dataclass(frozen=True, slots=True)
class ForwardContext:
    """What a forwarder works with."""

    state: State
    mask: Mask
    clock: Clock
    meter: Meter
    events: Events
    shown: Callable[[str], str] = redact
    """Makes of what the upstream says what may be logged: it may quote what the apps sent."""
    merging: Merging = MERGING


class Forwarder:
    """Component that sends bodies to the upstream until it takes them; a Sink of bodies.

    Bodies in protobuf that come soon after each other go in one request, by `merging`. One that is refused goes again
    in halves, until what the upstream does not take is alone; one that went in vain, body by body. Each body is sent
    at least once, so long as there is room for it: an answer that is lost, or the end of the process
    before it was noted, sends it again. What the upstream refuses for good is counted and lost. With `spill_max_bytes`
    what the upstream does not take at once is in the state file within a second. With `redact` all of this begins when
    a body is masked.
    """

    name = "forward"

    def __init__(self, config: ForwardConfig, context: ForwardContext) -> None:
        self._config = config
        self._context = context
        self._signals = frozenset(config.signals)
        self._meters = ForwardMeters(context.meter)
        self._spill = SpillQueue(self.name, config.spill_max_bytes, self._lost) if config.spill_max_bytes else None
        limits = Limits(config.queue_max_bytes, config.queue_max_requests)
        self._backlog = Backlog(limits, self._spill, context.clock, self._meters, context.merging)
        self._masking = (
            Masking(limits, context.mask, self._backlog.put, self._meters, context.events) if config.redact else None
        )
        self._entrance = self._backlog if self._masking is None else self._masking
        self._pace = Pace(context.clock)
        self._outage = Outage(context.clock, context.events, self._failing, self._recovered)
        self._is_over = False
        self._show_gauges()

    def accept(self, body: ForwardBody, /) -> int:
        """Queue a body without waiting; older ones make room, so none is refused."""
        if body.signal in self._signals:
            self._entrance.put(body)
            if self._is_over:
                self._entrance.drop_waiting("shutdown")
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled; then spend DRAIN_SECONDS on what still waits, and write the rest to disk."""
        async with self._kept(), self._transport() as opened:
            transport = MaskingTransport(opened, self._context.mask) if self._config.redact else opened
            self._is_over = False
            ready()
            try:
                await self._work(transport)
            except asyncio.CancelledError:
                await self._end(transport)
                raise
            except BaseException:
                self._pace.failed(0.0)
                self._outage.begin()  # nothing is sent until this runs again, and `upstream_up` says so
                raise

    async def settle(self) -> None:
        """Write what waits to disk, or drop and count it; called when forwarding failed and is not to go on."""
        async with self._kept():
            await self._leave()

    async def _work(self, transport: Transport) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(unending(self._store_late))
                group.create_task(unending(self._store_crowd))
                if self._masking is not None:
                    group.create_task(unending(self._masking.run))
                for _ in range(self._config.max_concurrent_requests):
                    group.create_task(unending(partial(self._send_all, transport)))
        finally:
            self._backlog.give_back()

    async def _store_late(self) -> None:
        while True:
            await self._context.clock.sleep(STORE_EVERY_SECONDS)
            await self._backlog.store_late()

    async def _store_crowd(self) -> None:
        while True:
            await self._backlog.crowded()
            await self._backlog.store()

    async def _send_all(self, transport: Transport) -> None:
        while True:
            todo: list[Sequence[Entry]] = [await self._backlog.take()]
            while todo:
                todo += await self._try(transport, todo.pop())

    async def _try(self, transport: Transport, entries: Sequence[Entry]) -> Sequence[Sequence[Entry]]:
        """Send bodies once, in one request; return what is to be sent again, the last of it first."""
        await self._pace.wait()
        outcome = await self._send(transport, entries, self._config.timeout_seconds)
        if not isinstance(outcome, Retry):
            return self._finish(entries, outcome)
        self._note_failure(entries, outcome)
        if len(entries) > 1:  # each alone from now on, because one of them may be what the upstream cannot digest
            return [(entry,) for entry in reversed(entries)]
        (entry,) = entries
        if self._is_hopeless(entry):
            self._give_up(entry, "retries", outcome.reason)
            return ()
        is_out_of_the_way = entry.tries.number % TRIES_IN_A_ROW == 0 and await self._backlog.postpone(entry)
        return () if is_out_of_the_way else (entries,)

    async def _send(self, transport: Transport, entries: Sequence[Entry], seconds: float) -> Outcome:
        body = joined(entries)
        self._meters.tried(body.signal)
        return await outcome_of(transport.send(body, seconds))

    def _finish(self, entries: Sequence[Entry], outcome: Delivered | Rejected) -> Sequence[Sequence[Entry]]:
        """Be rid of what got an answer; return what is to be sent again, because the answer may be about others."""
        self._outage.worked()
        self._pace.worked()
        match outcome:
            case Delivered(refused, reason):
                self._delivered(entries, refused, reason)
            case Rejected(reason) if len(entries) == 1:
                self._give_up(entries[0], "rejected", reason)
            case Rejected():
                return in_halves(entries)[::-1]
            case _:
                assert_never(outcome)
        return ()

    def _delivered(self, entries: Sequence[Entry], refused: int, reason: str) -> None:
        signal = entries[0].body.signal
        for entry in entries:
            self._meters.sent(entry.body)
            self._backlog.done(entry)
        if refused:
            self._meters.refused(signal, refused)
            event = ForwardPartlyRefused(self._endpoint, signal, refused, self._context.shown(reason))
            self._context.events.emit(event)

    def _give_up(self, entry: Entry, why: str, reason: str) -> None:
        self._meters.failed(entry.body.signal, why)
        self._context.events.emit(ForwardGivenUp(self._endpoint, entry.body.signal, self._context.shown(reason)))
        self._backlog.done(entry)

    def _is_hopeless(self, entry: Entry) -> bool:
        taken = self._pace.taken_at_seconds
        return entry.tries.number >= MOST_TRIES and taken is not None and taken > entry.tries.since_seconds

    def _note_failure(self, entries: Sequence[Entry], outcome: Retry) -> None:
        for entry in entries:
            self._meters.retried(entry.body.signal)
            since = entry.tries.since_seconds if entry.tries.number else self._context.clock.monotonic()
            entry.tries = Tries(entry.tries.number + 1, since)
        self._outage.failed(outcome.reason)
        self._pace.failed(outcome.after_seconds)

    def _failing(self, reason: str) -> ForwardFailing:
        return ForwardFailing(self._endpoint, self._context.shown(reason))

    def _recovered(self, ended: EndedOutage) -> ForwardRecovered:
        return ForwardRecovered(self._endpoint, ended.seconds)

    async def _end(self, transport: Transport) -> None:
        try:
            await self._mask_rest()
            await self._drain(transport)
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Write what is left to disk, and drop the rest; from now on nothing waits."""
        self._backlog.give_back()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._backlog.store()
        finally:
            self._is_over = True
            self._entrance.drop_waiting("shutdown")
            self._backlog.drop_waiting("shutdown")

    async def _mask_rest(self) -> None:
        if self._masking is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._masking.finish()

    async def _drain(self, transport: Transport) -> None:
        """Send what is in memory only, as long as the upstream takes it and there is time."""
        ends = self._context.clock.monotonic() + DRAIN_SECONDS
        todo: list[Sequence[Entry]] = []
        while not self._outage.is_on and (seconds := ends - self._context.clock.monotonic()) > 0:
            entries = todo.pop() if todo else self._backlog.take_from_memory()
            if not entries:
                return
            outcome = await self._send(transport, entries, min(seconds, self._config.timeout_seconds))
            if isinstance(outcome, Retry):
                self._note_failure(entries, outcome)
            else:
                todo += self._finish(entries, outcome)

    @property
    def _endpoint(self) -> str:
        return str(self._config.endpoint)

    def _kept(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._spill is None else self._context.state.keeping(self._spill)

    def _transport(self) -> AbstractAsyncContextManager[Transport]:
        if self._config.protocol == "grpc":
            # Only here, because gRPC takes 10 MB of memory, and most upstreams are spoken to by HTTP.
            from sidecar.deliver.otlp_grpc import open_grpc_transport

            return open_grpc_transport(self._config, self._context.clock)
        return open_http_transport(self._config, self._context.clock, self._meters.redirected)

    def _lost(self, label: str, reason: str, count: int) -> None:
        self._meters.dropped(signal_of(label), reason, count)

    def _show_gauges(self) -> None:
        backlog, spill, show = self._backlog, self._spill, self._meters.show
        parts = {backlog, self._entrance}
        show(
            "queue_requests",
            "Requests in memory, those under way included.",
            lambda: sum(len(part) for part in parts),
        )
        show("queue_bytes", "Bytes of them.", lambda: sum(part.bytes for part in parts))
        show("queue_capacity_bytes", "Bytes that may be in memory.", lambda: self._config.queue_max_bytes)
        show("spill_bytes", "Bytes of the requests on disk.", lambda: spill.bytes if spill else 0)
        show("spill_capacity_bytes", "Bytes that may be on disk.", lambda: self._config.spill_max_bytes)
        show("upstream_up", "Whether the last attempt got an answer: 1 or 0.", lambda: not self._outage.is_on)
