"""Watches our own event loop: how late it is, and where it hangs when it does."""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events

BEAT_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""How often the thread looks after the loop."""
LEAST_FREEZE_SECONDS = 0.5
TOLD_SECONDS = 2.0
"""A freeze that is told; shorter ones are what a busy machine does."""
WEDGED_SECONDS = 5.0
REMEMBERED_SECONDS = 3600.0
"""Longer than any span that is asked for in earnest: five runs of a check every five minutes take half an hour."""


@dataclass(frozen=True, slots=True)
class LoopWedged(Event):
    """The event loop has not come round for seconds; `stack` is where it stands."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "The event loop has been stuck for {late_seconds:.1f} s."
    late_seconds: float
    stack: str


@dataclass(frozen=True, slots=True)
class ProcessStoodStill(Event):
    """Nothing of the process ran for a while: it was stopped or frozen, or its machine was."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "The whole process stood still for {seconds:.1f} s."
    seconds: float


@dataclass(frozen=True, slots=True)
class SamplingFailed(Event):
    """What the watchdog looks at every second could not be looked at."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "Looking at what the kernel says about us failed: {error}."
    identity: ClassVar[tuple[str, ...]] = ("error",)
    error: str


class Peak(NamedTuple):
    """A lag with no greater one after it."""

    at: float
    lag_seconds: float


class Freeze(NamedTuple):
    """A time until `at` in which nothing of the process ran: it was stopped, frozen, or its machine was."""

    at: float
    seconds: float


class LoopLag:
    """How late the event loop woke up, over the last hour.

    The loop beats ten times a second; the time it is late is its lag. Reads are safe from any thread and also see a
    beat that is overdue right now. Of the beats only the peaks are kept, falling from the oldest to the last: a handful
    tells the worst of any span.

    A loop that is late because the whole process stood still is not stuck: then the watchdog's thread was late too, and
    the process used no CPU. Who holds the interpreter's lock makes that thread late as well, but is at work.
    """

    def __init__(self, clock: Clock, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self._cpu_seconds = cpu_seconds
        self._peaks: tuple[Peak, ...] = ()
        self._freezes: tuple[Freeze, ...] = ()
        self._last_beat = clock.monotonic()
        self._last_look: tuple[float, float] | None = None

    def beat(self) -> None:
        """Note that the loop came round."""
        now = self._clock.monotonic()
        lag = max(0.0, now - self._last_beat - BEAT_SECONDS)
        kept = (peak for peak in self._peaks if peak.lag_seconds > lag and peak.at >= now - REMEMBERED_SECONDS)
        self._peaks = (*kept, Peak(now, lag))  # replaced, not changed: another thread may be reading
        self._last_beat = now

    def overdue_seconds(self) -> float:
        """Return how late the next beat is already."""
        return max(0.0, self._clock.monotonic() - self._last_beat - BEAT_SECONDS)

    def worst_seconds(self, span_seconds: float) -> float:
        """Return the greatest lag of the last `span_seconds`, at most of the last hour."""
        since = self._clock.monotonic() - span_seconds
        return max([self.overdue_seconds(), *(peak.lag_seconds for peak in self._peaks if peak.at >= since)])

    def look(self) -> float:
        """Note, from the watchdog's thread, that it came round; return for how long the process stood still meanwhile.

        That is 0 if it did not.
        """
        now = self._clock.monotonic()
        kept = (freeze for freeze in self._freezes if freeze.at >= now - REMEMBERED_SECONDS)
        new = self._freeze_until(now)
        self._freezes = (*kept, *new)
        self._last_look = now, self._cpu_seconds()
        return sum(freeze.seconds for freeze in new)

    def stuck_seconds(self, span_seconds: float) -> float:
        """Return the greatest lag of the last `span_seconds` without the times in which the process stood still."""
        now = self._clock.monotonic()
        freezes = (*self._freezes, *self._freeze_until(now))
        peaks = [Peak(now, self.overdue_seconds()), *(peak for peak in self._peaks if peak.at >= now - span_seconds)]
        return max(max(0.0, peak.lag_seconds - _frozen_within(freezes, peak)) for peak in peaks)

    def _freeze_until(self, now: float) -> tuple[Freeze, ...]:
        """Return the freeze that ended since the thread looked last, if there was one."""
        if self._last_look is None:
            return ()
        at, cpu_seconds = self._last_look
        late_seconds = now - at - LOOK_SECONDS
        is_idle = self._cpu_seconds() - cpu_seconds < late_seconds / 2
        return (Freeze(now, late_seconds),) if late_seconds > LEAST_FREEZE_SECONDS and is_idle else ()


def _frozen_within(freezes: Iterable[Freeze], peak: Peak) -> float:
    """Return for how long of a lag the process stood still; the thread may have seen it before the loop or after."""
    begun, ended = peak.at - peak.lag_seconds - BEAT_SECONDS, peak.at + LOOK_SECONDS
    return sum(freeze.seconds for freeze in freezes if begun < freeze.at <= ended)


class Watchdog:
    """Beats the loop's heart and, from a thread, logs the stack once whenever it stops.

    The thread also calls `each_second`, which may read files: it runs even when the loop does not. What that raises is
    told and harms nothing.
    """

    name = "watchdog"

    def __init__(
        self, lag: LoopLag, clock: Clock, events: Events, each_second: Callable[[], None] = lambda: None
    ) -> None:
        self._each_second = each_second
        self._lag = lag
        self._clock = clock
        self._events = events

    async def run(self, ready: Callable[[], None]) -> None:
        """Beat until cancelled."""
        stopped = threading.Event()
        watcher = threading.Thread(
            target=self._watch, args=(stopped, threading.get_ident()), daemon=True, name="watchdog"
        )
        watcher.start()
        try:
            self._lag.beat()
            ready()
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                self._lag.beat()
        finally:
            stopped.set()

    def _watch(self, stopped: threading.Event, loop_thread: int) -> None:
        told = False
        self._lag.look()
        while not stopped.wait(LOOK_SECONDS):
            still_seconds = self._lag.look()
            if still_seconds >= TOLD_SECONDS:
                self._events.emit(ProcessStoodStill(still_seconds))
            try:
                self._each_second()
            except Exception as error:  # noqa: BLE001 - the edge of the thread, which must go on watching
                self._events.emit(SamplingFailed(f"{type(error).__name__}: {error}"))
            late_seconds = self._lag.stuck_seconds(0.0)
            if late_seconds >= WEDGED_SECONDS and not told:
                frame = sys._current_frames().get(loop_thread)
                self._events.emit(LoopWedged(late_seconds, "".join(traceback.format_stack(frame))))
            told = late_seconds >= WEDGED_SECONDS
