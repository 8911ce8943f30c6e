"""What senders are, and the one way to run them: queue, batches, attempts and their pace, drain, meters, spans."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sidecar.deliver.outage import Outage
from sidecar.deliver.outcome import Delivered, Outcome, Retry, outcome_of
from sidecar.deliver.pace import Pace
from sidecar.deliver.sender_meters import SenderMeters
from sidecar.deliver.status import SenderStatus
from sidecar.model.redact import redact
from sidecar.model.span import SpanKind
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events
from sidecar.runtime.http import HttpClient, open_http_client
from sidecar.runtime.meter import Meter
from sidecar.runtime.queue import BoundedQueue
from sidecar.runtime.tracing import NO_TRACING, Span, Tracing

ItemT = TypeVar("ItemT")
ItemT_contra = TypeVar("ItemT_contra", contravariant=True)

DRAIN_SECONDS = 2.0
"""Budget for what still waits at shutdown; the process may have no more than that."""
GRACE_SECONDS = 1.0
"""How much longer than it was given an attempt may take before it is cancelled: an answer in time must count."""


@dataclass(frozen=True, slots=True)
class SenderKind:
    """What all senders of one kind have in common; names are in lower case."""

    name: str
    """First half of the name of the component; in meters the label whose value is the receiver."""
    items: str
    """What is sent, in the plural."""
    meters: str
    """Middle of the names of meters: `prometheus_<meters>_sent_total`."""
    failing: Callable[[str, str], Event]
    """The event of the first batch that a receiver did not take, from the receiver and a reason."""
    recovered: Callable[[str, int], Event]
    """The event of the first batch it took again, from the receiver and how many items were lost."""


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """What sending to one receiver may cost."""

    queue_capacity: int
    batch_size: int
    timeout_seconds: float
    """How long one attempt may take."""
    tries: int = 1
    """How often a batch is sent before it is given up. After an attempt in vain everything waits as long as the
    receiver asks, or for a backoff; but with a single try nothing does."""
    give_up_after_seconds: float = math.inf
    """How long after the first attempt there may be another one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a sender is given to send a batch once, within `seconds`."""

    client: HttpClient
    seconds: float
    span: Span


class Sender(Protocol[ItemT_contra]):
    """Takes batches to one receiver; made of its Config. Knows no queue and no time: SenderRunner does the rest."""

    kind: ClassVar[SenderKind]
    receiver: str
    """Name of the receiver in meters and logs, unique within its kind."""
    limits: SenderLimits

    def __init__(self, config: Any, /) -> None: ...

    async def send(self, batch: Sequence[ItemT_contra], attempt: Attempt, /) -> Outcome:
        """Send one batch once; an error that is raised is a Retry."""
        ...


def component_name(sender: Sender[Any]) -> str:
    """Return the name of the component that runs `sender`, such as `alertmanager/main`."""
    return f"{sender.kind.name}/{sender.receiver}"


@dataclass(frozen=True, slots=True)
class SenderContext:
    """What senders are run with."""

    clock: Clock
    meter: Meter
    events: Events
    tracing: Tracing = NO_TRACING
    shown: Callable[[str], str] = redact
    """Returns what a receiver said as it may be logged."""


class Queue(Protocol[ItemT]):
    """What waits to be sent, bounded; BoundedQueue is one."""

    def __len__(self) -> int: ...

    def put(self, item: ItemT, /) -> None:
        """Append `item` without waiting."""
        ...

    async def take(self, most: int, /) -> list[ItemT]:
        """Wait for at least one item and return up to `most`."""
        ...

    def drain(self) -> list[ItemT]:
        """Return what is left, without waiting."""
        ...


def _nobody_asks(_batch: Sequence[Any], _outcome: Outcome) -> None:
    pass


class SenderRunner(Generic[ItemT]):
    """Has `sender` send what `accept` was given, in order and in batches; a Component, and a Sink of items.

    One batch is under way at a time. It is given up when it is refused for good, or was tried as often as the limits
    say; what is lost is counted. So a receiver that is slow or away costs a bounded queue and nothing else. `queue`
    may be another than first in, first out; `finished` is told what became of each batch.
    """

    def __init__(
        self,
        sender: Sender[ItemT],
        context: SenderContext,
        queue: Queue[ItemT] | None = None,
        finished: Callable[[Sequence[ItemT], Outcome], None] = _nobody_asks,
    ) -> None:
        kind, receiver = sender.kind, sender.receiver
        self.name = component_name(sender)
        self._sender = sender
        self._limits = sender.limits
        self._context = context
        self._tracing = context.tracing
        self._meters = SenderMeters(context.meter, kind.meters, kind.items, kind.name, receiver)
        bounded = BoundedQueue[ItemT](self._limits.queue_capacity, self._meters.dropped)
        self._queue: Queue[ItemT] = bounded if queue is None else queue
        self._finished = finished
        self._clock = context.clock
        self._meters.watch(lambda: len(self._queue), self._limits.queue_capacity)
        self._pace = Pace(context.clock)
        self._outage = Outage(
            context.clock,
            context.events,
            lambda reason: kind.failing(receiver, context.shown(reason)),
            lambda over: kind.recovered(receiver, over.lost),
        )
        self._batch: list[ItemT] = []
        self._is_over = False

    @property
    def statuses(self) -> Sequence[SenderStatus]:
        """How the one receiver does."""
        taken = self._pace.taken_at_seconds
        ago = None if taken is None else self._context.clock.monotonic() - taken
        failing = self._context.shown(self._outage.reason)
        return [SenderStatus(self._sender.receiver, len(self._queue) + len(self._batch), ago, failing)]

    def accept(self, batch: Sequence[ItemT], /) -> int:
        """Queue `batch` without waiting; older items make room, so none is refused. After the end all are dropped."""
        for item in batch:
            self._queue.put(item)
        if self._is_over:
            self._meters.dropped(len(self._queue.drain()))
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled, then spend up to DRAIN_SECONDS on what still waits."""
        async with open_http_client(self._meters.redirected) as client:
            self._is_over = False
            ready()
            try:
                while True:
                    self._batch = self._batch or await self._queue.take(self._limits.batch_size)
                    outcome = await self._deliver(client, self._batch)
                    batch, self._batch = self._batch, []
                    self._finish(batch, outcome)
            except asyncio.CancelledError:
                await self._drain(client)
                raise

    async def settle(self) -> None:
        """Spend up to DRAIN_SECONDS on what waits; called when sending itself failed and is not to go on."""
        async with open_http_client(self._meters.redirected) as client:
            await self._drain(client)

    async def _deliver(self, client: HttpClient, batch: Sequence[ItemT]) -> Outcome:
        """Send a batch as often as it may be; return what became of it in the end."""
        tries_left = self._limits.tries
        until_seconds = self._clock.monotonic() + self._limits.give_up_after_seconds
        while True:
            await self._pace.wait()
            outcome = await self._try(client, batch)
            tries_left -= 1
            if not isinstance(outcome, Retry) or self._limits.tries == 1:
                return outcome
            self._pace.failed(outcome.after_seconds)
            if not tries_left or self._pace.next_seconds > until_seconds:
                return outcome
            self._outage.failed(outcome.reason)

    async def _try(self, client: HttpClient, batch: Sequence[ItemT]) -> Outcome:
        with self._tracing.span(f"deliver {self._sender.kind.items}", SpanKind.CLIENT, {}) as span:
            attempt = Attempt(client, self._limits.timeout_seconds, span)
            began = self._context.clock.monotonic()
            outcome = await outcome_of(self._send(batch, attempt))
            self._meters.took(self._context.clock.monotonic() - began)
            if not isinstance(outcome, Delivered):
                span.fail(type(outcome).__name__.lower(), outcome.reason)
        return outcome

    async def _send(self, batch: Sequence[ItemT], attempt: Attempt) -> Outcome:
        try:
            async with asyncio.timeout(attempt.seconds + GRACE_SECONDS):
                return await self._sender.send(batch, attempt)
        except TimeoutError:
            return Retry(f"not done within {attempt.seconds:g} s")

    def _finish(self, batch: Sequence[ItemT], outcome: Outcome) -> None:
        count = len(batch)
        self._finished(batch, outcome)
        if isinstance(outcome, Delivered):
            self._meters.sent(count, outcome.refused)
            self._pace.worked()
            self._outage.worked()
        else:
            self._meters.sent(count, count)
            self._outage.failed(outcome.reason, count)

    async def _drain(self, client: HttpClient) -> None:
        """Send once what a cancelled attempt and the queue hold; receivers do not mind getting something twice."""
        waiting = [*self._batch, *self._queue.drain()]
        self._batch = []
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while waiting:
                    batch = waiting[: self._limits.batch_size]
                    outcome = await self._try(client, batch)
                    del waiting[: len(batch)]
                    self._finish(batch, outcome)
        except (TimeoutError, asyncio.CancelledError):
            # Python 3.11.2 tells a deadline in a task that is being cancelled as a cancellation; that of the task
            # itself goes on when this returns.
            pass
        finally:
            self._is_over = True
            self._meters.dropped(len(waiting) + len(self._queue.drain()))
