"""Time as something that is passed in, so that tests decide what time it is."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The ways a component may meet time."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        ...

    def elapsed(self) -> float:
        """Return the same with the seconds in which the machine slept."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; cancelling is the only way to end it earlier."""
        ...


_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()  # noqa: TID251 - this is the clock that everyone else is given

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        return time.monotonic()

    def elapsed(self) -> float:
        """Return the same with the seconds in which the machine slept, where the system tells."""
        return time.clock_gettime(_ELAPSED)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


REACHED_SHARE_OF_INTERVAL = 0.1
"""A tick nearer than this counts as reached: a sleep ends early by the wall clock while that is slewed, which chrony
does by up to 8.3 %, and the work of the tick would be done twice."""


def next_tick(now: float, interval_seconds: float, phase_seconds: float = 0.0) -> float:
    """Return the first time after `now` on the grid of `interval_seconds` shifted by `phase_seconds`.

    Ticks stand still in absolute time, so work that takes long does not drift; missed ticks are skipped, and so is one
    that is just ahead.
    """
    reached = now + interval_seconds * REACHED_SHARE_OF_INTERVAL
    return reached - (reached - phase_seconds) % interval_seconds + interval_seconds
