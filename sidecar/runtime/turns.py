"""Long work on the event loop, in turns that are so short that a probe does not notice them."""

from sidecar.model.steps import Steps, T
from sidecar.runtime.clock import Clock

TURN_SECONDS = 0.002
"""How long work goes on before others may run: with one more step of 3 ms, 5 ms at most."""
OTHERS_ROUNDS = 5
"""Rounds of the event loop that others get between two turns: a probe takes about eight, and an empty one 10 us."""


async def in_turns(steps: Steps[T], clock: Clock) -> T:
    """Take all `steps` and return what they give; cancelled between two turns, leave the other steps off."""
    ends = clock.monotonic() + TURN_SECONDS
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if clock.monotonic() >= ends:
            for _ in range(OTHERS_ROUNDS):
                await clock.sleep(0)
            ends = clock.monotonic() + TURN_SECONDS
