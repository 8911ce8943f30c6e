"""Where a batch shows: on /metrics and in the head with the labels that tell targets apart, on /probe without."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from prometheus_client import CollectorRegistry
from typing_extensions import override

from sidecar.api.metrics import metrics_response
from sidecar.api.probes.pod import PodHandler
from sidecar.api.targets import TargetHandler
from sidecar.collect.runner import Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import is_absent
from sidecar.model.steps import STEP_SIZE, finished
from sidecar.probe.board import Verdict
from sidecar.runtime.meter import Meter
from sidecar.runtime.pages import Pages
from sidecar.runtime.publish.publisher import Publisher
from sidecar.runtime.target_pages import TargetPages
from sidecar.runtime.turns import OTHERS_ROUNDS
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, RecordedEvents, until

UP = Family("redis_up", MetricType.GAUGE, "Up.")


class Shown:
    """A publisher and all that it shows on."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.pages = Pages(self.clock.monotonic)
        self.targets = TargetPages(self.clock.monotonic)
        self.head = Head(HeadConfig())
        self.publisher = Publisher(self.pages, self.targets, self.head, self.clock)

    def put(self, name: str, value: float) -> None:
        families = [FamilySamples(UP, [Sample("redis_up", (), value)])]
        batch = SampleBatch(f"redis/{name}", 1000, (), families, True, (("target", name),))
        finished(self.publisher.accept_in_steps(batch))

    def metrics(self) -> list[str]:
        return self.pages.render().decode().splitlines()[2:]

    async def probe(self, name: str) -> list[str] | None:
        page = await self.targets.page(f"redis/{name}")
        return None if page is None else page.render().decode().splitlines()[2:]

    def values(self, name: str) -> list[tuple[float, ...]]:
        """Return what a reader finds of each series; a row without samples is nothing to him."""
        blocks = self.head.select([Matcher("__name__", MatchOp.EQUAL, name)], 0, 10**15)
        rows = [tuple(row[~is_absent(row)].tolist()) for block in blocks for row in np.ascontiguousarray(block.values)]
        return [row for row in rows if row]

    def series(self) -> list[dict[str, str]]:
        blocks = self.head.select([Matcher("__name__", MatchOp.EQUAL, "redis_up")], 0, 10**15)
        return [dict(labels) for block in blocks for labels in block.labels]


class SlowTarget(TargetRunner):
    """Answers when `answered` is set, and counts its connections."""

    kind: ClassVar[str] = "redis"

    def __init__(self, target: Target, context: ScrapeContext) -> None:
        super().__init__(target, 10.0, context)
        self.answered = asyncio.Event()
        self.connections = 0

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        self.connections += 1
        await self.answered.wait()
        scrape.up = True

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return [FamilySamples(UP, [Sample("redis_up", (), float(scrape.up))])]

    @override
    def _drop_connection(self) -> None:
        return


class NoProbes:
    """Verdicts without checks."""

    def verdict_at(self, path: str) -> Verdict | None:
        return Verdict(()) if path == "/livez" else None


@pytest.fixture
def shown() -> Shown:
    return Shown()


async def test_extra_labels_are_on_metrics_and_in_the_head_and_not_on_the_page_of_the_target(shown: Shown) -> None:
    shown.put("a", 1)
    shown.put("b", 0)
    assert shown.metrics() == ['redis_up{target="a"} 1', 'redis_up{target="b"} 0']
    assert [labels["target"] for labels in shown.series()] == ["a", "b"]
    assert (await shown.probe("a"), await shown.probe("b")) == (["redis_up 1"], ["redis_up 0"])


async def test_source_that_ends_is_on_no_page(shown: Shown) -> None:
    shown.put("a", 1)
    shown.put("b", 0)
    shown.publisher.end("redis/a", 2000)
    assert shown.metrics() == ['redis_up{target="b"} 0']
    assert (await shown.probe("a"), await shown.probe("b")) == (None, ["redis_up 0"])


class EveryTurnIsOver(FakeClock):
    """Each look at it is later than a turn lasts; counts how often others may run."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps = 0

    @override
    def monotonic(self) -> float:
        self.pass_by(1.0)
        return super().monotonic()

    @override
    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await asyncio.sleep(0)


def large(source: str, time_ms: int, value: float, count: int = 10_000) -> SampleBatch:
    """Return a batch of four families."""
    families = [
        FamilySamples(
            Family(f"f{number}", MetricType.GAUGE, ""),
            [Sample(f"f{number}", (("n", str(n)), ("source", source)), value) for n in range(count // 4)],
        )
        for number in range(4)
    ]
    return SampleBatch(source, time_ms, (), families, True)


async def test_large_batch_is_published_in_many_turns_and_shows_as_a_whole() -> None:
    clock = EveryTurnIsOver()
    shown = Shown(clock)
    await shown.publisher.publish(large("redis/a", 1000, 1))
    before, clock.sleeps = shown.pages.render(), 0
    publishing = asyncio.ensure_future(shown.publisher.publish(large("redis/a", 2000, 2)))
    while not publishing.done():
        assert shown.pages.render() in {before, before.replace(b"} 1\n", b"} 2\n")}
        assert {*shown.values("f3")} in ({(1.0,)}, {(1.0, 2.0)})
        await asyncio.sleep(0)
    assert clock.sleeps >= 2 * 10_000 / STEP_SIZE * OTHERS_ROUNDS
    assert {*shown.values("f0")} == {(1.0, 2.0)}
    assert shown.pages.render().count(b"} 2\n") == 10_000


async def test_batches_of_several_targets_are_published_one_after_the_other_in_the_order_they_came() -> None:
    shown, alone = Shown(EveryTurnIsOver()), Shown()
    batches = [large(f"redis/{name}", time, time, 1000) for time in (1000, 2000) for name in "abc"]
    async with asyncio.TaskGroup() as group:
        for batch in batches:
            group.create_task(shown.publisher.publish(batch))
    for batch in batches:
        finished(alone.publisher.accept_in_steps(batch))
    assert shown.pages.render() == alone.pages.render()
    assert shown.values("f1") == alone.values("f1") == [(1000.0, 2000.0)] * 750


@pytest.mark.parametrize("rounds", [1, 30, 60, 90, 120, 150, 180])
async def test_cancelled_in_the_middle_page_and_head_have_the_batch_whole_or_not(rounds: int) -> None:
    shown = Shown(EveryTurnIsOver())
    await shown.publisher.publish(large("redis/a", 1000, 1, 2000))
    publishing = asyncio.ensure_future(shown.publisher.publish(large("redis/a", 2000, 2, 2000)))
    waiting = asyncio.ensure_future(shown.publisher.publish(large("redis/b", 2000, 7, 2000)))
    for _ in range(rounds):
        await asyncio.sleep(0)
    publishing.cancel()
    await waiting
    text = shown.pages.render()
    assert text.count(b'"redis/a"} 1\n') in {0, 2000}
    assert text.count(b'"redis/a"} 1\n') + text.count(b'"redis/a"} 2\n') == 2000
    assert text.count(b'"redis/b"} 7\n') == 2000
    assert {*shown.values("f0")} in ({(1.0,), (7.0,)}, {(1.0, 2.0), (7.0,)})
    await shown.publisher.publish(large("redis/a", 3000, 3, 2000))
    assert shown.pages.render().count(b'"redis/a"} 3\n') == 2000


async def test_requests_never_open_a_connection_to_a_target(
    shown: Shown,
    aiohttp_raw_server: Callable[[PodHandler], Awaitable[RawTestServer]],
    aiohttp_client: Callable[[RawTestServer], Awaitable[TestClient[Any, Any]]],
) -> None:
    handler = PodHandler(NoProbes())
    handler.plug_in(partial(metrics_response, shown.pages), TargetHandler(shown.targets, lambda: None))
    shown.targets.configure({"redis/main": 10.0})
    client = await aiohttp_client(await aiohttp_raw_server(handler))
    context = ScrapeContext(
        shown.publisher, shown.clock, RecordedEvents(shown.clock), Meter(CollectorRegistry(auto_describe=False))
    )
    runner = SlowTarget(Target("main", 15.0, ()), context)

    async def get(path: str) -> tuple[int, bool]:
        response = await client.get(path)
        return response.status, "redis_up 1" in await response.text()

    async with asyncio.TaskGroup() as group:
        scraping = group.create_task(runner.run(lambda: None))
        probes = [group.create_task(get("/probe?target=main")) for _ in range(50)]
        metrics = [group.create_task(get("/metrics")) for _ in range(50)]
        await until(lambda: all(task.done() for task in metrics))
        assert not any(task.done() for task in probes)
        runner.answered.set()
        await until(lambda: all(task.done() for task in probes))
        scraping.cancel()
    assert {task.result() for task in metrics} == {(200, False)}
    assert {task.result() for task in probes} == {(200, True)}
    assert runner.connections == 1
