"""A clock that is set while the sidecar runs: told once, and nothing that lasts some time lasts longer for it."""

from collections.abc import Iterator

import pytest
from typing_extensions import override

from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.watched_clock import ClockSet, ClockWatch, WatchedClock
from tests.fakes import FakeClock, RecordedEvents

DAY, MONTH = 86_400.0, 30 * 86_400.0


class World:
    def __init__(self) -> None:
        self.inner = FakeClock()
        self.clock = WatchedClock(self.inner)
        self.steps: list[float] = []
        self.clock.tell(self.steps.append)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("step", [DAY, -DAY, MONTH, -MONTH, -1.0])
def test_a_step_is_told_once_and_the_steady_clock_does_not_take_it(world: World, step: float) -> None:
    before = world.clock.steady.now()
    world.inner.pass_by(7)
    world.inner.set_ahead(step)
    assert world.clock.steady.now() == pytest.approx(before + 7)
    assert world.clock.now() == world.inner.now()
    assert world.clock.steady.wall(world.clock.steady.now()) == pytest.approx(world.inner.now())
    assert world.steps == [pytest.approx(step)]


def test_who_asks_for_the_time_learns_it_after_those_who_are_told(world: World) -> None:
    order: list[str] = []
    world.clock.tell(lambda _: order.append("told"))
    world.inner.set_ahead(DAY)
    world.clock.now()
    order.append("asked")
    assert order == ["told", "asked"]


def test_after_ahead_and_back_the_steady_clock_is_that_on_the_wall_again(world: World) -> None:
    for step in (DAY, -DAY):
        world.inner.set_ahead(step)
        world.clock.now()
        world.inner.pass_by(7)
    assert world.clock.steady.now() == pytest.approx(world.inner.now())
    assert len(world.steps) == 2


def test_slewing_is_no_step(world: World) -> None:
    for _ in range(100):
        world.inner.pass_by(1)
        world.inner.set_ahead(0.08)
        world.clock.now()
    assert world.steps == []
    assert world.clock.steady.now() == pytest.approx(world.inner.now())


def test_time_in_which_the_machine_slept_has_passed(world: World) -> None:
    before = world.clock.steady.now()
    world.inner.pass_by(DAY)  # of both, as boot time does; what is monotonic stands still then, and nobody asks it here
    assert world.clock.steady.now() == pytest.approx(before + DAY)
    assert world.steps == []


class StoppedBetween(FakeClock):
    """Is stopped for ten seconds while it is read, as by SIGSTOP."""

    def __init__(self) -> None:
        super().__init__()
        self._stops: Iterator[float] = iter([0.0, 0.0, 10.0])

    @override
    def elapsed(self) -> float:
        self.pass_by(next(self._stops, 0.0))
        return super().elapsed()


def test_a_process_that_is_stopped_while_it_reads_the_clocks_sees_no_step() -> None:
    clock = WatchedClock(StoppedBetween())
    steps: list[float] = []
    clock.tell(steps.append)
    for _ in range(3):
        clock.now()
    assert steps == []


async def test_a_step_is_known_within_a_second_whoever_else_looks(world: World) -> None:
    events = RecordedEvents(world.inner)
    async with open_tier(world.inner, events) as tier:
        await tier.start(ClockWatch(world.clock))
        world.inner.set_ahead(-DAY)
        await world.inner.advance(1.1)
    assert world.steps == [pytest.approx(-DAY)]


def test_the_event_says_which_way_and_how_far() -> None:
    assert ClockSet.by(-1.0) == ClockSet("back", 1.0)
    assert ClockSet.message.format(direction="ahead", seconds=DAY).startswith("The clock was set ahead by 86400.0 s")
