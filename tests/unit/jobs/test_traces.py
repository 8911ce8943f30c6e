"""Traces are decided on when nothing arrives, too."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from sidecar.jobs.schedule import JobRunner, Scheduling
from sidecar.jobs.traces import JOB
from sidecar.model.steps import Steps
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents


class Advanced:
    """Notes the times at which it was told to advance, each in three steps."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def advance(self, now: float) -> Steps[None]:
        for _ in range(3):
            yield
        self.times.append(now)


@dataclass
class Stores:
    steady: FakeClock
    traces: Advanced = field(default_factory=Advanced)


async def test_the_store_advances_every_second_until_the_end() -> None:
    clock = FakeClock(now=1_000.0)
    stores = Stores(clock)
    events = RecordedEvents(clock)
    scheduling = Scheduling(clock, Meter(CollectorRegistry()), events, lambda: True, chance=lambda: 0.5)
    async with open_tier(clock, events) as tier:
        await tier.start(JobRunner(JOB, stores, scheduling))
        await clock.advance(3)
    assert stores.traces.times == [1_000.5, 1_001.5, 1_002.5]
