"""Whose turn it is: requests are worked on one after the other, and not for long without a pause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sidecar.model.steps import Steps, T
from sidecar.runtime.clock import Clock

TURN_SECONDS = 0.003
"""How long a request works before others may: with one more batch of 2 ms, 5 ms at most."""
OTHERS_ROUNDS = 5
"""Rounds of the event loop that others get for each TURN_SECONDS of a turn: a probe takes about eight, and an empty one
10 us. So after a long turn, of spans that are all new, a probe need not wait for another one."""
MOST_TURNS = 10
"""What a turn counts as at most, in turns."""


class Turns:
    """Shared by all receivers, for all signals.

    While one request is worked on, the other senders wait: were they all to take their turn in each round of the event
    loop, a probe would wait for all of them, and several parsed bodies would be in memory at once.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._began = 0.0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[float]:
        """Wait until the request before is done; the block is the work on this one. Gives the Unix time it begins."""
        async with self._one_at_a_time:
            self._begin()
            yield self.clock.now()

    async def take(self, steps: Steps[T]) -> T:
        """Take all `steps` and return what they give, letting others run in between."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            await self.pause()

    async def pause(self) -> None:
        """Let others run if the turn is over."""
        turns = (self.clock.monotonic() - self._began) / TURN_SECONDS
        if turns >= 1:
            for _ in range(int(OTHERS_ROUNDS * min(turns, MOST_TURNS))):
                await asyncio.sleep(0)
            self._begin()

    def _begin(self) -> None:
        self._began = self.clock.monotonic()
