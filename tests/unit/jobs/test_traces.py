"""Traces are decided on when nothing arrives, too."""

import asyncio

from sidecar.jobs.traces import EVERY_SECONDS, TraceDecisions
from sidecar.model.steps import Steps
from tests.fakes import FakeClock


class Advanced:
    """Notes the times at which it was told to advance, each in three steps."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def advance(self, now: float) -> Steps[None]:
        for _ in range(3):
            yield
        self.times.append(now)


async def test_the_store_advances_every_second_until_the_end() -> None:
    clock, store = FakeClock(now=1_000.0), Advanced()
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(TraceDecisions(store, clock).run(ready.set))
        await ready.wait()
        await clock.advance(2 * EVERY_SECONDS)
        running.cancel()
    assert store.times == [1_000.0, 1_001.0, 1_002.0]
