"""Deciding on traces when nothing arrives: every second, what is due."""

from typing import Protocol

from sidecar.jobs.schedule import Job
from sidecar.model.steps import Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import in_turns


class Advancing(Protocol):
    """A store that has something to do as time passes."""

    def advance(self, now: float) -> Steps[None]:
        """Do what is due at Unix time `now`."""
        ...


class HasTraces(Protocol):
    """What has the trace store and its clock."""

    @property
    def traces(self) -> Advancing:
        """The trace store."""
        ...

    @property
    def steady(self) -> Clock:
        """The clock of whoever it gets spans from."""
        ...


async def decide(stores: HasTraces, clock: Clock) -> None:
    """Let the trace store decide, and compress what it keeps."""
    await in_turns(stores.traces.advance(stores.steady.now()), clock)


JOB = Job("traces", every_seconds=1.0, leader_only=False, run=decide)
