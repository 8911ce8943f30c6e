"""Fakes: small working stand-ins for time and for parts of the process."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from prometheus_client import CollectorRegistry
from typing_extensions import override

from sidecar.model.span import SpanKind
from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import Value


class FakeClock:
    """Time that passes only when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._ahead = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> float:
        return self._now + self._ahead

    def set_ahead(self, seconds: float) -> None:
        """Set the clock on the wall ahead, or back; no time passes."""
        self._ahead += seconds

    def monotonic(self) -> float:
        return self._now - 1_600_000_000.0

    def elapsed(self) -> float:
        return self._now - 1_600_000_000.0

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, future))
        await future

    @property
    def sleeping(self) -> int:
        """How many sleep now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def until_somebody_sleeps(self) -> None:
        """Wait for work that is done elsewhere, such as in a thread, to come back to this clock."""
        while not self.sleeping:  # noqa: ASYNC110 - what is waited for knows no Event
            await asyncio.sleep(0.001)

    def pass_by(self, seconds: float) -> None:
        """Let time pass without anybody waking up."""
        self._now += seconds

    async def advance(self, seconds: float) -> None:
        """Let time pass; whoever sleeps wakes at its own moment, and runs until it sleeps again."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, when)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end


class Panic(BaseException):
    """What libraries of Rust raise where they cannot go on."""


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; raise TimeoutError when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens where no Event can be set
            await asyncio.sleep(0.002)


async def settle() -> None:
    """Let everything that can run on the loop do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def nothing_is_on_its_way() -> None:
    """Stand in for what brings to the stores what was received."""


class RecordedEvents(Events):
    """Events that a test can look at."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        super().__init__(logging.getLogger("sidecar.tests"), Meter(CollectorRegistry()), clock or FakeClock())
        self.seen: list[Event] = []

    @override
    def emit(self, event: Event) -> None:
        self.seen.append(event)
        super().emit(event)


@dataclass
class RecordedSpan:
    """A span as a test sees it; `error` is kind and reason. It is `ended` unless its work was cancelled."""

    name: str
    kind: SpanKind
    attributes: dict[str, Value]
    error: tuple[str, str] | None = None
    ended: bool = False

    def note(self, attributes: Mapping[str, Value], /) -> None:
        self.attributes.update(attributes)

    def fail(self, kind: str, reason: str, /) -> None:
        self.error = (kind, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.ended = error is None


class RecordedTracing:
    """Tracing whose spans a test can look at."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    def span(self, name: str, kind: SpanKind, attributes: Mapping[str, Value], /) -> RecordedSpan:
        self.spans.append(RecordedSpan(name, kind, dict(attributes)))
        return self.spans[-1]


@dataclass
class FakeComponent:
    """A component whose fate the test decides: it runs until `fail` is set."""

    name: str
    journal: list[str] = field(default_factory=list)
    error_before_ready: Exception | None = None
    error: asyncio.Future[None] | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        self.journal.append(f"open {self.name}")
        try:
            if self.error_before_ready:
                raise self.error_before_ready
            self.error = asyncio.get_running_loop().create_future()
            ready()
            await self.error
        finally:
            self.journal.append(f"close {self.name}")
