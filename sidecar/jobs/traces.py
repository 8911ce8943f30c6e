"""Deciding on traces when nothing arrives: every second, what is due."""

from collections.abc import Callable
from typing import Protocol

from sidecar.model.steps import Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import in_turns

EVERY_SECONDS = 1.0


class Advancing(Protocol):
    """A store that has something to do as time passes."""

    def advance(self, now: float) -> Steps[None]:
        """Do what is due at Unix time `now`."""
        ...


class TraceDecisions:
    """Component that lets the trace store decide, and pack what it keeps, until cancelled."""

    name = "traces"

    def __init__(self, traces: Advancing, clock: Clock) -> None:
        self._traces = traces
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Work every second."""
        ready()
        while True:
            await in_turns(self._traces.advance(self._clock.now()), self._clock)
            await self._clock.sleep(EVERY_SECONDS)
