"""Long work on the event loop, in turns that are so short that a probe does not notice them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from sidecar.model.steps import Steps, step
from sidecar.runtime.clock import Clock

T = TypeVar("T")

OTHERS_ROUNDS = 5
"""Rounds of the event loop that others get between two turns: a probe takes about eight, and an empty one 10 us."""


class TurnBudget(NamedTuple):
    """How long work goes on before others may run, and what a turn that took longer counts as at most, in turns."""

    turn_seconds: float = 0.002
    """With one more step of 3 ms it is 5 ms at most."""
    max_turns: int = 1


ORDINARY = TurnBudget()
REQUESTS = TurnBudget(turn_seconds=0.003, max_turns=10)
"""For received bodies, whose steps take 2 ms. A step of spans that are all new takes longer, and others get as many
rounds as the turns it was: then a probe need not wait for another one."""


class Turns:
    """Takes steps, and lets others run whenever a turn is over.

    What shares one `Turns` may work one after the other, by `begin`: were all to take their turn in each round of the
    event loop, a probe would wait for all of them, and several parsed bodies would be in memory at once.
    """

    def __init__(self, clock: Clock, budget: TurnBudget = ORDINARY) -> None:
        self.clock = clock
        self._budget = budget
        self._one_at_a_time = asyncio.Lock()
        self._began = clock.monotonic()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[float]:
        """Wait until the work before is done; the block is this one. Gives the Unix time it begins."""
        async with self._one_at_a_time:
            self._began = self.clock.monotonic()
            yield self.clock.now()

    async def take(self, steps: Steps[T]) -> T:
        """Take all `steps` and return what they give; cancelled between two turns, leave the other steps off."""
        while (end := step(steps)) is None:
            await self.pause()
        return end.value

    async def pause(self) -> None:
        """Let others run if the turn is over."""
        turns = (self.clock.monotonic() - self._began) / self._budget.turn_seconds
        if turns >= 1:
            for _ in range(int(OTHERS_ROUNDS * min(turns, self._budget.max_turns))):
                await self.clock.sleep(0)
            self._began = self.clock.monotonic()


async def in_turns(steps: Steps[T], clock: Clock) -> T:
    """Take all `steps` and return what they give; cancelled between two turns, leave the other steps off."""
    return await Turns(clock).take(steps)
