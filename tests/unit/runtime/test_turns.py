"""Turns: work in steps that lets others run, and no more often than a turn is over."""

import asyncio

from typing_extensions import override

from sidecar.model.steps import STEP_SIZE, Steps, finished, slices
from sidecar.runtime.turns import OTHERS_ROUNDS, TurnBudget, Turns, in_turns
from tests.fakes import FakeClock


class CountedSleeps(FakeClock):
    """Counts how often others may run."""

    sleeps = 0

    @override
    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await asyncio.sleep(seconds)


def work(clock: FakeClock, steps: int, seconds: float) -> Steps[str]:
    for _ in range(steps):
        clock.pass_by(seconds)
        yield
    return "done"


async def test_others_run_whenever_a_turn_is_over() -> None:
    clock = CountedSleeps()
    assert await in_turns(work(clock, 10, TurnBudget().turn_seconds), clock) == "done"
    assert clock.sleeps == 10 * OTHERS_ROUNDS


async def test_short_work_is_done_in_one_turn() -> None:
    clock = CountedSleeps()
    assert await in_turns(work(clock, 10, TurnBudget().turn_seconds / 20), clock) == "done"
    assert clock.sleeps == 0


async def test_a_turn_that_took_long_counts_as_several_up_to_a_limit() -> None:
    clock = CountedSleeps()
    turns = Turns(clock, TurnBudget(turn_seconds=0.5, max_turns=3))
    await turns.take(work(clock, 1, 1.0))
    assert clock.sleeps == 2 * OTHERS_ROUNDS
    await turns.take(work(clock, 1, 100.0))
    assert clock.sleeps == 5 * OTHERS_ROUNDS


def test_steps_may_be_taken_at_once() -> None:
    assert finished(work(FakeClock(), 10, 1.0)) == "done"


def test_slices_are_all_of_it_in_order() -> None:
    items = range(2 * STEP_SIZE + 1)
    assert [len(part) for part in slices(items)] == [STEP_SIZE, STEP_SIZE, 1]
    assert [item for part in slices(items) for item in part] == list(items)
