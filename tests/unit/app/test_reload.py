"""Reload: the plan is the least that must be done, and a swap is all or nothing."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sidecar.app.reload import Part, RunningParts, TierName, plan
from sidecar.model.errors import OperatorError
from sidecar.runtime.lifecycle import open_tier
from tests.fakes import FakeClock, FakeComponent, RecordedEvents

parts_lists = st.lists(
    st.builds(
        lambda name, tier, settings: Part(name, tier, settings, lambda: FakeComponent(name)),
        st.sampled_from("abc"),
        st.sampled_from(list(TierName)),
        st.integers(0, 1),
    ),
    unique_by=lambda part: (part.tier, part.name),
)


@given(parts_lists, parts_lists)
def test_a_plan_turns_the_old_parts_into_the_new_ones_and_touches_no_equal_part(
    old: list[Part], new: list[Part]
) -> None:
    todo = plan(old, new)
    assert {*old} - {*todo.stop} | {*todo.start} == {*new}
    assert not {*todo.stop} & {*todo.start}
    assert [part.tier for part in todo.stop] == sorted((part.tier for part in todo.stop), reverse=True)
    assert [part.tier for part in todo.start] == sorted(part.tier for part in todo.start)
    assert {part.name for part in todo.forget} <= {part.name for part in old}


class World:
    """Two tiers of fake components and a journal of what happened to them."""

    def __init__(self) -> None:
        self.journal: list[str] = []

    def part(
        self, name: str, settings: int = 0, tier: TierName = TierName.JOBS, error: Exception | None = None
    ) -> Part:
        component = FakeComponent(f"{name}", self.journal, error_before_ready=error)
        return Part(name, tier, settings, lambda: component, lambda: self.journal.append(f"forget {name}"))


async def running(stack: AsyncExitStack) -> RunningParts:
    clock, events = FakeClock(), RecordedEvents()
    tiers = {tier: await stack.enter_async_context(open_tier(clock, events)) for tier in TierName}
    return RunningParts(tiers, events)


async def test_only_what_differs_is_touched_and_what_is_gone_is_forgotten() -> None:
    world = World()
    async with AsyncExitStack() as stack:
        run = await running(stack)
        await run.become([world.part("kept"), world.part("changed"), world.part("gone")])
        world.journal.clear()
        await run.become([world.part("kept"), world.part("changed", 1), world.part("new")])
        assert world.journal == ["close changed", "close gone", "open changed", "open new", "forget gone"]


async def test_when_a_new_part_cannot_start_the_old_ones_are_put_back() -> None:
    world = World()
    async with AsyncExitStack() as stack:
        run = await running(stack)
        await run.become([world.part("a"), world.part("b")])
        world.journal.clear()
        with pytest.raises(OperatorError, match="port"):
            await run.become([world.part("a", 1), world.part("b", 1, error=OperatorError("the port is taken"))])
        assert [part.settings for part in run.parts] == [0, 0]
        assert world.journal[-2:] == ["open a", "open b"]
        assert "forget a" not in world.journal


async def test_parts_that_were_new_are_forgotten_when_they_are_taken_back_or_cannot_start() -> None:
    world = World()
    async with AsyncExitStack() as stack:
        run = await running(stack)
        await run.become([world.part("a")])
        world.journal.clear()
        bad = world.part("bad", error=OperatorError("the port is taken"))
        with pytest.raises(OperatorError, match="port"):
            await run.become([world.part("a", 1), world.part("new"), bad, world.part("never")])
        assert world.journal[-3:] == ["open a", "forget new", "forget bad"]
        assert [part.name for part in run.parts] == ["a"]


async def test_a_stopped_process_leaves_no_component_open() -> None:
    world = World()
    async with AsyncExitStack() as stack:
        await (await running(stack)).become(
            [world.part("api", tier=TierName.API), world.part("in", tier=TierName.COLLECT)]
        )
        world.journal.clear()
    assert world.journal == ["close in", "close api"]


async def test_an_old_part_that_cannot_be_put_back_is_told_and_comes_with_the_next_reload() -> None:
    world = World()
    first = FakeComponent("a", world.journal)
    fragile = Part("a", TierName.JOBS, 0, lambda: first)
    async with AsyncExitStack() as stack:
        run = await running(stack)
        await run.become([fragile, world.part("b")])
        first.error_before_ready = OperatorError("gone for now")
        bad = world.part("c", error=OperatorError("the port is taken"))
        with pytest.raises(OperatorError, match="port"):
            await run.become([world.part("a", 1), world.part("b", 1), bad])
        assert [part.name for part in run.parts] == ["b"]
        first.error_before_ready = None
        await run.become([fragile, world.part("b")])
        assert sorted(part.name for part in run.parts) == ["a", "b"]


async def test_a_cancelled_swap_is_not_put_back_for_everything_is_about_to_stop() -> None:
    world = World()

    class NeverReady(FakeComponent):
        @override
        async def run(self, ready: object) -> None:
            await asyncio.Event().wait()

    slow = Part("slow", TierName.JOBS, 0, lambda: NeverReady("slow"))
    async with AsyncExitStack() as stack:
        run = await running(stack)
        await run.become([world.part("a")])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await run.become([world.part("a", 1), slow])
        assert world.journal == ["open a", "close a", "open a"]
