"""The runner of any target: grid, deadline, up and down, on a scripted target."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import pytest
from typing_extensions import override

from sidecar.collect.events import CollectorFailed, ScrapeCutShort, TargetDown, TargetUp
from sidecar.collect.runner import CollectorResult, Scrape, TargetRunner, phase_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.sample import SampleBatch
from sidecar.model.span import SpanKind
from tests.fakes import RecordedSpan, RecordedTracing, settle, until
from tests.unit.collect.scraping import INTERVAL_SECONDS, Surroundings

UP = Family("x_up", MetricType.GAUGE, "Up.")


async def answer(scrape: Scrape) -> None:
    scrape.up = True


async def hang(scrape: Scrape) -> None:
    await asyncio.get_running_loop().create_future()


async def answer_then_hang(scrape: Scrape) -> None:
    scrape.up = True
    await hang(scrape)


async def refuse(scrape: Scrape) -> None:
    raise ConnectionRefusedError("postgresql://app:c4nary@db refused s3cret")


class ScriptedTarget(TargetRunner):
    """Does at each scrape what the script says, the last line again and again."""

    kind: ClassVar[str] = "scripted"

    def __init__(self, around: Surroundings, *script: Callable[[Scrape], Awaitable[None]]) -> None:
        super().__init__(around.target, 0.05, around.context)
        self._script = list(script)
        self.dropped = 0

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        await (self._script.pop(0) if len(self._script) > 1 else self._script[0])(scrape)

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return [FamilySamples(UP, [Sample(UP.name, (), float(scrape.up))])]

    @override
    def _drop_connection(self) -> None:
        self.dropped += 1

    @override
    def _secrets(self) -> Iterable[str]:
        return ["s3cret"]


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@asynccontextmanager
async def running(runner: TargetRunner) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as group:
        ready = asyncio.Event()
        task = group.create_task(runner.run(ready.set))
        await ready.wait()
        await settle()
        yield task
        task.cancel()


async def test_scrapes_at_once_and_then_on_the_grid_of_the_interval(around: Surroundings) -> None:
    around.clock.pass_by(4.0)
    async with running(ScriptedTarget(around, answer)):
        await around.clock.advance(2 * INTERVAL_SECONDS)
    times = [batch.time_ms / 1000 for batch in around.sink.batches]
    assert times[0] == 1_700_000_004.0
    assert [time % INTERVAL_SECONDS for time in times[1:]] == [0.0, 0.0]
    assert around.sink.last.up is True
    assert around.sink.last.source == "scripted/main"
    assert around.sink.last.target == around.target.labels


async def test_a_target_has_its_phase_in_the_interval(around: Surroundings) -> None:
    around.target = replace(around.target, phase_seconds=12.0)
    async with running(ScriptedTarget(around, answer)):
        await around.clock.advance(2 * INTERVAL_SECONDS)
    assert [batch.time_ms / 1000 % INTERVAL_SECONDS for batch in around.sink.batches[1:]] == [12.0, 12.0]


def test_phases_are_spread_and_always_the_same() -> None:
    phases = sorted(phase_of(f"pod-{pod}:9464 PostgresConfig db-{target}") for pod in range(30) for target in range(5))
    assert phase_of("pod-0:9464 PostgresConfig db-0") in phases
    gaps = [later - earlier for earlier, later in pairwise([phases[-1] - 1, *phases])]
    assert max(gaps) < 0.05
    assert 0.0 <= phases[0] < phases[-1] < 1.0


async def test_next_scrape_waits_until_the_batch_is_published_and_the_deadline_is_none_of_that(
    around: Surroundings,
) -> None:
    class SlowPublisher:
        def __init__(self) -> None:
            self.begun = 0
            self.done = asyncio.Event()

        async def publish(self, batch: SampleBatch, /) -> None:
            self.begun += 1
            await self.done.wait()
            await around.sink.publish(batch)

    publisher = SlowPublisher()
    around.context = replace(around.context, publisher=publisher)
    runner = ScriptedTarget(around, answer)
    async with running(runner):
        await around.clock.advance(3 * INTERVAL_SECONDS)
        await asyncio.sleep(0.06)
        assert (publisher.begun, runner.scrapes, around.sink.batches) == (1, 1, [])
        publisher.done.set()
        await around.clock.advance(INTERVAL_SECONDS)
    assert [batch.up for batch in around.sink.batches] == [True, True]


async def test_sleep_that_ends_a_moment_early_brings_no_second_scrape(around: Surroundings) -> None:
    async def wake_early(scrape: Scrape) -> None:
        around.clock.pass_by(-0.1)
        await answer(scrape)

    async with running(ScriptedTarget(around, answer, wake_early, answer)):
        await around.clock.advance(2 * INTERVAL_SECONDS)
    times = [batch.time_ms % (INTERVAL_SECONDS * 1000) for batch in around.sink.batches]
    assert times == [5_000, 0, 0]


async def test_deadline_ends_a_scrape_and_drops_the_connection(around: Surroundings) -> None:
    runner = ScriptedTarget(around, hang)
    async with running(runner):
        await until(lambda: bool(around.sink.batches))
        assert (around.sink.last.up, around.sink.values(), runner.dropped) == (False, {"x_up": 0}, 1)
    assert around.events.seen == [TargetDown("scripted/main", "no answer within 0.05 s")]


async def test_target_that_answered_before_the_deadline_is_up(around: Surroundings) -> None:
    async with running(ScriptedTarget(around, answer_then_hang)):
        await until(lambda: bool(around.sink.batches))
        assert around.sink.last.up is True
    assert [type(event) for event in around.events.seen] == [ScrapeCutShort]


async def test_going_and_coming_back_are_told_once(around: Surroundings) -> None:
    async with running(ScriptedTarget(around, answer, refuse, refuse, answer)):
        await around.clock.advance(4 * INTERVAL_SECONDS)
    assert [type(event) for event in around.events.seen] == [TargetDown, TargetUp]
    assert [batch.up for batch in around.sink.batches] == [True, False, False, True, True]


async def test_error_text_holds_no_secret(around: Surroundings) -> None:
    async with running(ScriptedTarget(around, refuse)):
        pass
    (event,) = around.events.seen
    assert event == TargetDown("scripted/main", "ConnectionRefusedError: postgresql://***@db refused ***")


async def test_cancelling_drops_the_connection_and_is_not_swallowed(around: Surroundings) -> None:
    runner = ScriptedTarget(around, hang)
    async with running(runner) as task:
        pass
    assert task.cancelled()
    assert runner.dropped == 1


async def test_extra_labels_are_told_and_left_to_whoever_shows_the_samples(around: Surroundings) -> None:
    around.target = type(around.target)("main", INTERVAL_SECONDS, around.target.labels, (("target", "main"),))
    async with running(ScriptedTarget(around, answer)):
        pass
    assert (around.sink.values(), around.sink.last.extra) == ({"x_up": 1}, (("target", "main"),))


async def test_own_metrics_tell_of_scrapes_failures_and_last_success(around: Surroundings) -> None:
    labels = {"kind": "scripted", "target": "main"}
    read = around.meter.registry.get_sample_value
    async with running(ScriptedTarget(around, answer, refuse)):
        first = around.clock.now()
        await around.clock.advance(INTERVAL_SECONDS)
        assert read("sidecar_target_scrapes_total", labels) == 2
        assert read("sidecar_target_scrape_failures_total", labels) == 1
        assert read("sidecar_target_up", labels) == 0
        assert read("sidecar_target_last_success_timestamp_seconds", labels) == first
    assert read("sidecar_target_up", labels) is None


async def test_failing_collector_is_told_once_until_it_works_again(around: Surroundings) -> None:
    runner = ScriptedTarget(around, answer)
    runner._collector_failed("locks", ValueError("x"))
    runner._collector_failed("locks", ValueError("x"))
    assert around.events.seen == [CollectorFailed("scripted/main", "locks", "ValueError: x")]


async def test_each_scrape_is_a_span_and_tells_how_it_ended(around: Surroundings) -> None:
    tracing = RecordedTracing()
    around.context = replace(around.context, tracing=tracing)

    async def answer_with_samples(scrape: Scrape) -> None:
        scrape.families.append(FamilySamples(UP, [Sample(UP.name, (), 1.0)] * 3))
        scrape.results = {"locks": CollectorResult(), "size": CollectorResult()}
        scrape.results["locks"].note(False, 0.1)
        scrape.up = True

    async with running(ScriptedTarget(around, answer_with_samples, refuse, answer_then_hang)):
        await around.clock.advance(INTERVAL_SECONDS)
        await around.clock.advance(INTERVAL_SECONDS)
        await until(lambda: len(around.sink.batches) == 3)
    first, second, third = tracing.spans
    assert first == RecordedSpan(
        "scrape scripted",
        SpanKind.CLIENT,
        {
            "sidecar.target.kind": "scripted",
            "sidecar.target.name": "main",
            "sidecar.scrape.outcome": "up",
            "sidecar.scrape.failed_collectors": 1,
            "sidecar.samples": 3,
        },
        ended=True,
    )
    assert second.attributes["sidecar.scrape.outcome"] == "down"
    assert second.error == (
        "ConnectionRefusedError",
        "ConnectionRefusedError: postgresql://***@db refused ***",
    )
    assert third.attributes["sidecar.scrape.outcome"] == "cut_short"
    assert third.error == ("timeout", "no answer within 0.05 s")


async def test_scrape_that_is_cancelled_gives_no_span(around: Surroundings) -> None:
    tracing = RecordedTracing()
    around.context = replace(around.context, tracing=tracing)
    async with running(ScriptedTarget(around, hang)):
        pass
    assert [span.ended for span in tracing.spans] == [False]
