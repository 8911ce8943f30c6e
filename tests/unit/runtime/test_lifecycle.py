"""Tiers: order, failure before and after ready, and nothing left behind."""

import asyncio
from collections.abc import Callable

import pytest
from typing_extensions import override

from sidecar.model.errors import InternalError, OperatorError
from sidecar.runtime.events import ComponentFailed, ComponentFailedToStop
from sidecar.runtime.lifecycle import open_tier
from tests.fakes import FakeClock, FakeComponent, Panic, RecordedEvents, settle


async def test_components_stop_in_reverse_order_of_their_start() -> None:
    journal: list[str] = []
    async with open_tier(FakeClock(), RecordedEvents()) as tier:
        await tier.start(FakeComponent("a", journal))
        await tier.start(FakeComponent("b", journal))
    assert journal == ["open a", "open b", "close b", "close a"]


async def test_a_failure_before_ready_goes_to_the_starter_and_what_was_started_is_drained() -> None:
    journal: list[str] = []
    with pytest.raises(OperatorError, match="port `1` is taken"):
        async with open_tier(FakeClock(), RecordedEvents()) as tier:
            await tier.start(FakeComponent("a", journal))
            await tier.start(FakeComponent("b", journal, error_before_ready=OperatorError("port `1` is taken")))
    assert journal == ["open a", "open b", "close b", "close a"]


async def test_a_failure_after_ready_is_reported_and_the_component_runs_again_after_a_backoff() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component, other = FakeComponent("a"), FakeComponent("b")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        await tier.start(other)
        assert component.error is not None
        component.error.set_exception(ValueError("broken"))
        await settle()
        assert next(event for event in events.seen if isinstance(event, ComponentFailed)).error == "ValueError: broken"
        await clock.advance(2.0)
        assert component.journal == ["open a", "close a", "open a"]
        assert other.journal == ["open b"]


class TextlessError(Exception):
    """An error that fails when it is told."""

    @override
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Panic("broken"), "Panic: broken"),
        (BaseExceptionGroup("several", [Panic("a"), ValueError("b")]), "Panic: a; ValueError: b"),
        (TextlessError(), "TextlessError"),
    ],
)
async def test_a_component_runs_again_whatever_it_raised(error: BaseException, told: str) -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FakeComponent("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.set_exception(error)
        await settle()
        assert [event.error for event in events.seen if isinstance(event, ComponentFailed)] == [told]
        await clock.advance(2.0)
        assert component.journal == ["open a", "close a", "open a"]


async def test_backoff_grows_while_a_component_keeps_failing_before_it_is_ready_again() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FakeComponent("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error_before_ready = ValueError("still broken")
        component.error.set_exception(ValueError("broken"))
        await clock.advance(60.0)
        waits = [event.retry_seconds for event in events.seen if isinstance(event, ComponentFailed)]
        assert len(waits) < 12
        assert max(waits) > 4 * min(waits)


async def test_stopping_waits_until_the_component_has_let_go() -> None:
    component = FakeComponent("a")
    async with open_tier(FakeClock(), RecordedEvents()) as tier:
        await tier.start(component)
        await tier.stop("a")
        assert component.journal == ["open a", "close a"]
        assert tier.names == ()


async def test_a_cancelled_start_leaves_nothing_running() -> None:
    journal: list[str] = []

    class NeverReady(FakeComponent):
        @override
        async def run(self, ready: object) -> None:
            journal.append("open")
            try:
                await asyncio.Event().wait()
            finally:
                journal.append("close")

    async with open_tier(FakeClock(), RecordedEvents()) as tier:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await tier.start(NeverReady("a"))
    assert journal == ["open", "close"]


async def test_a_component_that_fails_while_stopping_is_gone_and_told() -> None:
    events = RecordedEvents()

    class BreaksInCleanUp(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            try:
                ready()
                await asyncio.Event().wait()
            finally:
                raise ValueError("the file is gone")

    async with asyncio.timeout(5), open_tier(FakeClock(), events) as tier:
        await tier.start(BreaksInCleanUp("a"))
        await tier.stop("a")
    assert [str(event.error) for event in events.seen if isinstance(event, ComponentFailedToStop)] == [
        "ValueError: the file is gone"
    ]


async def test_a_failed_group_of_tasks_is_told_by_its_causes() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FakeComponent("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.set_exception(
            ExceptionGroup("tasks", [ValueError("one"), ExceptionGroup("", [KeyError("two")])])
        )
        await settle()
        (event,) = [event for event in events.seen if isinstance(event, ComponentFailed)]
    assert event.error == "ValueError: one; KeyError: 'two'"


class FailsInGroup(FakeComponent):
    """A child of its group fails while the group waits for another, as a sender of forwarding may."""

    @override
    async def run(self, ready: Callable[[], None]) -> None:
        self.journal.append(f"open {self.name}")
        try:
            async with asyncio.TaskGroup() as group:
                self.error = asyncio.get_running_loop().create_future()
                group.create_task(_follow(self.error))
                ready()
        finally:
            self.journal.append(f"close {self.name}")


async def _follow(future: asyncio.Future[None]) -> None:
    await future


async def test_a_child_that_fails_after_the_body_of_its_group_ended_does_not_end_the_component() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FailsInGroup("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        for times in range(1, 4):
            assert component.error is not None
            component.error.set_exception(OverflowError("too large"))
            await settle()
            await clock.advance(2.0)
            assert component.journal == ["open a", "close a"] * times + ["open a"]
    assert component.journal[-1] == "close a"
    failures = [event.error for event in events.seen if isinstance(event, ComponentFailed)]
    assert failures == ["OverflowError: too large"] * 3


async def test_a_component_that_is_cancelled_by_what_it_waits_for_runs_again() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FakeComponent("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.cancel()
        await settle()
        await clock.advance(2.0)
        assert component.journal == ["open a", "close a", "open a"]
    assert any(isinstance(event, ComponentFailed) for event in events.seen)


async def test_a_component_that_ends_by_itself_runs_again() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FakeComponent("a")
    async with open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.set_result(None)
        await settle()
        await clock.advance(2.0)
        assert component.journal == ["open a", "close a", "open a"]
    (event,) = [event for event in events.seen if isinstance(event, ComponentFailed)]
    assert event.error == "InternalError: it ended, and nobody told it to stop"


async def test_a_component_that_ends_before_it_is_ready_does_not_start() -> None:
    class EndsAtOnce(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            return

    with pytest.raises(InternalError, match="it ended"):
        async with open_tier(FakeClock(), RecordedEvents()) as tier:
            await tier.start(EndsAtOnce("a"))


class Holding(FakeComponent):
    """Holds something between two runs."""

    unsettled: Exception | None = None

    async def settle(self) -> None:
        self.journal.append("settle")
        if self.unsettled is not None:
            raise self.unsettled


@pytest.mark.parametrize("error", [None, OSError("disk")])
async def test_what_a_component_holds_is_settled_when_it_is_stopped_between_two_runs(error: Exception | None) -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = Holding("a")
    component.unsettled = error
    async with asyncio.timeout(5), open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.set_exception(ValueError("broken"))
        await settle()
        await tier.stop("a")
        assert component.journal == ["open a", "close a", "settle"]
    assert [event.error for event in events.seen if isinstance(event, ComponentFailedToStop)] == (
        ["OSError: disk"] if error else []
    )


async def test_a_component_that_runs_settles_what_it_holds_itself() -> None:
    component = Holding("a")
    async with open_tier(FakeClock(), RecordedEvents()) as tier:
        await tier.start(component)
    assert component.journal == ["open a", "close a"]


async def test_a_stop_that_comes_with_a_failure_is_a_stop() -> None:
    clock, events = FakeClock(), RecordedEvents()
    component = FailsInGroup("a")
    async with asyncio.timeout(5), open_tier(clock, events) as tier:
        await tier.start(component)
        assert component.error is not None
        component.error.set_exception(OverflowError("too large"))
        await tier.stop("a")
        await clock.advance(60.0)
    assert component.journal == ["open a", "close a"]
    assert [type(event) for event in events.seen] == [ComponentFailedToStop]
