"""The clock on the wall, which somebody may set, and a steady one by which things here are put in order."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event

STEP_SECONDS = 0.5
"""How far the clock gets from the seconds that passed until it was set: a leap second is a step, slewing is none."""
READING_SECONDS = 0.05
"""How long reading both may take: a process that is stopped in between would read of a step that is none."""
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ClockSet(Event):
    """The clock was set: it is right now, or was before. What lasts some time lasts no longer or shorter for it."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "The clock was set {direction} by {seconds:.1f} s: recent samples and alerts move with it."
    direction: str
    seconds: float

    @staticmethod
    def by(seconds: float) -> "ClockSet":
        """Return the event of a step ahead, or of one back by less than nothing."""
        return ClockSet("ahead" if seconds > 0 else "back", abs(seconds))


class WatchedClock:
    """A clock that tells when it was set, before anybody learns the new time from it.

    Time in which the machine slept has passed, and is no step. To be asked by one thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: list[Callable[[float], None]] = []
        wall, elapsed = self._read()
        self._offset = wall - elapsed
        self.ahead_seconds = 0.0
        """By how much it was set since the start, ahead and back together."""
        self.steady = SteadyClock(self)

    def tell(self, on_set: Callable[[float], None]) -> None:
        """Call `on_set` whenever the clock was set, with the seconds by which, below zero if back."""
        self._told.append(on_set)

    def now(self) -> float:
        """Return Unix time in seconds."""
        wall, elapsed = self._read()
        step = wall - elapsed - self._offset
        self._offset += step
        if abs(step) > STEP_SECONDS:
            self.ahead_seconds += step
            for on_set in self._told:
                on_set(step)
        return wall

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        return self._clock.monotonic()

    def elapsed(self) -> float:
        """Return the same with the seconds in which the machine slept."""
        return self._clock.elapsed()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await self._clock.sleep(seconds)

    def _read(self) -> tuple[float, float]:
        """Return Unix time and the elapsed seconds at one moment."""
        while True:
            before, wall, after = self._clock.elapsed(), self._clock.now(), self._clock.elapsed()
            if after - before <= READING_SECONDS:
                return wall, after


class SteadyClock:
    """Clock whose `now` is Unix time by a clock that was never set since the start.

    Its times tell what came first, and how long ago something was; `wall` says which Unix time one of them is.
    """

    def __init__(self, clock: WatchedClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Return Unix time in seconds, as it would be."""
        return self._clock.now() - self._clock.ahead_seconds

    def wall(self, at: float) -> float:
        """Return the Unix time of a time of this clock, by the clock on the wall as it is set now."""
        return at + self._clock.ahead_seconds

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        return self._clock.monotonic()

    def elapsed(self) -> float:
        """Return the same with the seconds in which the machine slept."""
        return self._clock.elapsed()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await self._clock.sleep(seconds)


class ClockWatch:
    """Component that looks at the clock every second, so that it is known when it was set, whoever else asks."""

    name = "clock"

    def __init__(self, clock: WatchedClock) -> None:
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Look until cancelled."""
        ready()
        while True:
            self._clock.now()
            await self._clock.sleep(LOOK_SECONDS)
