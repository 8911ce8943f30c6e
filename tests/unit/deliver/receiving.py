"""A kind of sender whose receiver does as the test says, and its runner with everything in view."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import CollectorRegistry

from sidecar.deliver.outcome import Delivered, Outcome
from sidecar.deliver.sender import Attempt, SenderContext, SenderKind, SenderLimits, SenderRunner
from sidecar.runtime.events import Event
from sidecar.runtime.lifecycle import Tier, open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents, RecordedTracing, until


@dataclass(frozen=True, slots=True)
class PostFailing(Event):
    """A post office is closed."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Post office `{receiver}` is closed: {reason}."
    receiver: str
    reason: str


@dataclass(frozen=True, slots=True)
class PostRecovered(Event):
    """It is open again."""

    message: ClassVar[str] = "Post office `{receiver}` is open; `{lost}` parcels were lost."
    receiver: str
    lost: int


NEVER = None


class PostOffice:
    """A sender of numbered parcels. Gives `answers` in their order, raises those that are errors, then takes all."""

    kind: ClassVar[SenderKind] = SenderKind("post", "parcels", "parcels", PostFailing, PostRecovered)

    def __init__(self, limits: SenderLimits, answers: Sequence[Outcome | BaseException | None] = ()) -> None:
        self.receiver = "main"
        self.limits = limits
        self.answers = [*answers]
        self.batches: list[list[int]] = []

    async def send(self, batch: Sequence[int], _: Attempt, /) -> Outcome:
        self.batches.append([*batch])
        answer = self.answers.pop(0) if self.answers else Delivered()
        if answer is NEVER:
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        assert answer is not None
        return answer


class Posting:
    """A runner of a post office."""

    def __init__(
        self,
        *answers: Outcome | BaseException | None,
        batch_size: int = 2,
        queue_capacity: int = 10,
        timeout_seconds: float = 10,
        tries: int = 1,
    ) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        self.tracing = RecordedTracing()
        self.office = PostOffice(SenderLimits(queue_capacity, batch_size, timeout_seconds, tries), answers)
        context = SenderContext(self.clock, Meter(self.registry), self.events, self.tracing)
        self.runner: SenderRunner[int] = SenderRunner(self.office, context)

    def accept(self, *parcels: int) -> None:
        assert self.runner.accept(parcels) == 0

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"prometheus_parcels_{name}", {"post": "main"})

    def counts(self) -> tuple[float | None, ...]:
        """How many were sent, not taken, and lost."""
        return tuple(self.count(f"{name}_total") for name in ("sent", "errors", "dropped"))

    async def until_tried(self, times: int) -> None:
        await until(lambda: len(self.office.batches) >= times)

    async def until_sent(self, count: int) -> None:
        await until(lambda: self.count("sent_total") == count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Tier]:
        async with open_tier(self.clock, self.events) as tier:
            await tier.start(self.runner)
            yield tier
