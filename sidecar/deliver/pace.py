"""When a receiver may be asked again."""

from sidecar.runtime.backoff import Backoff
from sidecar.runtime.clock import Clock

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 30.0
"""Delays double from the first to the longest, each jittered between half and all of itself: 1 s to 30 s."""
LONGEST_ASKED_SECONDS = 600.0
"""The longest pause that a receiver is granted; it may be back long before the time that it named."""
REACHED_SECONDS = 0.001
"""A moment nearer than this has come: the difference of two large times is never quite zero."""


class Pace:
    """One for all requests to a receiver: when one is told to come back later, the others wait with it."""

    def __init__(self, clock: Clock) -> None:
        self.taken_at_seconds: float | None = None
        """When the receiver took something last."""
        self._clock = clock
        self._backoff = Backoff(FIRST_SECONDS, LONGEST_SECONDS)
        self.next_seconds = 0.0
        """When the receiver may be asked next, by the monotonic clock."""

    async def wait(self) -> None:
        """Return when the receiver may be asked."""
        while (seconds := self.next_seconds - self._clock.monotonic()) > REACHED_SECONDS:
            await self._clock.sleep(seconds)

    def failed(self, asked_seconds: float) -> None:
        """Note an attempt in vain, and how long the receiver asked to wait; those that wait already add nothing."""
        now = self._clock.monotonic()
        delay = min(asked_seconds, LONGEST_ASKED_SECONDS)
        if now >= self.next_seconds - REACHED_SECONDS:
            delay = max(delay, self._backoff.next_seconds())
        self.next_seconds = max(self.next_seconds, now + delay)

    def worked(self) -> None:
        """Note that the receiver took something."""
        self.taken_at_seconds = self._clock.monotonic()
        self._backoff.reset()
