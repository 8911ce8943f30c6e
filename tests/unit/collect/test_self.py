"""The self collector: prometheus_client's registry as families, and live readers as batches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, Summary
from prometheus_client.parser import text_string_to_metric_families
from typing_extensions import override

from sidecar.codec.exposition import encode
from sidecar.collect.self import SelfCollector, Source, families_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.runtime.pages import Pages
from sidecar.runtime.watched_clock import WatchedClock
from tests.fakes import FakeClock, RecordedEvents, settle
from tests.unit.collect.scraping import RememberedBatches, values_of


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("sidecar_x_total", "Counted.", ["kind"], registry=made).labels("a").inc(2)
    Histogram("sidecar_y_seconds", "Timed.", buckets=(0.5, 1.0, 1e6), registry=made).observe(0.7)
    Summary("sidecar_z", "Summed.", registry=made).observe(3)
    Info("sidecar_build", "Built.", registry=made).info({"version": "1"})
    return made


def test_registry_becomes_families_of_the_text_format() -> None:
    families = families_of(registry())
    assert [(family.name, family.type.value) for family, _ in families] == [
        ("sidecar_x_total", "counter"),
        ("sidecar_y_seconds", "histogram"),
        ("sidecar_z", "summary"),
        ("sidecar_build_info", "gauge"),
    ]
    assert values_of(families) == {
        'sidecar_x_total{kind="a"}': 2,
        'sidecar_y_seconds_bucket{le="0.5"}': 0,
        'sidecar_y_seconds_bucket{le="1"}': 1,
        'sidecar_y_seconds_bucket{le="1e+06"}': 1,
        'sidecar_y_seconds_bucket{le="+Inf"}': 1,
        "sidecar_y_seconds_count": 1,
        "sidecar_y_seconds_sum": 0.7,
        "sidecar_z_count": 1,
        "sidecar_z_sum": 3,
        'sidecar_build_info{version="1"}': 1,
    }


def test_what_comes_out_can_be_parsed() -> None:
    assert len(list(text_string_to_metric_families(encode(families_of(registry())).decode()))) == 4


FAMILY = Family("x", MetricType.GAUGE, "X.")
TARGET = (("instance", "app:9464"), ("job", "app"))


def part(number: int) -> FamilySamples:
    return FamilySamples(FAMILY, [Sample("x", (("n", str(number)),), 1.0)])


class Stored:
    """A store that gives what `read` returns."""

    def __init__(self, read: Callable[[], Iterable[FamilySamples]]) -> None:
        self._read = read

    def families(self, now: float) -> Iterable[FamilySamples]:
        return self._read()


@asynccontextmanager
async def running(clock: FakeClock, sink: RememberedBatches, *sources: Source) -> AsyncIterator[None]:
    collector = SelfCollector(sink, TARGET, 15.0, WatchedClock(clock), RecordedEvents(), lambda: sources)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(collector.run(lambda: None))
        await settle()
        yield
        task.cancel()


async def test_what_is_read_becomes_a_batch_without_up_on_each_tick() -> None:
    clock, sink = FakeClock(), RememberedBatches()
    async with running(clock, sink, Source("self", Stored(lambda: [part(1)])), Source("spans", Stored(list))):
        await clock.advance(0)
        await clock.advance(15.0)
    assert [batch.source for batch in sink.batches] == ["self", "spans", "self", "spans"]
    assert {(batch.target, batch.up) for batch in sink.batches} == {(TARGET, None)}
    assert sink.batches[0].families == [part(1)]


async def test_what_is_on_its_way_to_a_store_is_there_when_it_is_read() -> None:
    clock, sink, arrived = FakeClock(), RememberedBatches(), list[FamilySamples]()

    async def settled() -> None:
        await asyncio.sleep(0)
        arrived.append(part(1))

    async with running(clock, sink, Source("spans", Stored(lambda: arrived), settle=settled)):
        await clock.advance(0)
    assert [batch.families for batch in sink.batches] == [[part(1)]]


async def test_a_source_that_cannot_be_read_harms_no_other_and_is_read_again() -> None:
    clock, sink = FakeClock(), RememberedBatches()
    errors = [OverflowError("too large")]

    def read() -> list[FamilySamples]:
        if errors:
            raise errors.pop()
        return [part(1)]

    async with running(clock, sink, Source("spans", Stored(read)), Source("self", Stored(lambda: [part(2)]))):
        await clock.advance(0)
        await clock.advance(15.0)
    assert [batch.source for batch in sink.batches] == ["self", "spans", "self"]


async def test_a_store_that_a_reload_puts_in_the_place_of_another_is_read_from_the_next_interval_on() -> None:
    clock, sink = FakeClock(), RememberedBatches()
    current = [Stored(lambda: [part(1)])]
    collector = SelfCollector(
        sink, TARGET, 15.0, WatchedClock(clock), RecordedEvents(), lambda: [Source("spans", current[-1])]
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(collector.run(lambda: None))
        await settle()
        await clock.advance(0)
        current.append(Stored(lambda: [part(2)]))
        await clock.advance(15.0)
        task.cancel()
    assert [batch.families for batch in sink.batches] == [[part(1)], [part(2)]]


async def test_others_may_run_after_each_part_and_each_step() -> None:
    sink, done, paused = RememberedBatches(), list[str](), list[int]()

    class NotedPauses(FakeClock):
        @override
        async def sleep(self, seconds: float) -> None:
            if seconds:
                await super().sleep(seconds)
            paused.append(len(done))

    def read() -> Iterator[FamilySamples]:
        for number in range(3):
            done.append(f"part {number}")
            yield part(number)

    class NotedSteps:
        def put_in_steps(self, source: str, families: Iterable[FamilySamples]) -> Iterator[None]:
            for number, family in enumerate(families):
                assert family == part(number)
                done.append(f"step {number} of {source}")
                yield

    async with running(NotedPauses(), sink, Source("spans", Stored(read), NotedSteps())):
        pass
    assert paused == [1, 2, 3, 4, 5, 6]
    assert done == [
        "part 0",
        "part 1",
        "part 2",
        "step 0 of spans",
        "step 1 of spans",
        "step 2 of spans",
    ]
    assert sink.last.families == [part(0), part(1), part(2)]


async def test_the_head_and_the_page_get_the_same_samples() -> None:
    clock, sink = FakeClock(), RememberedBatches()
    pages = Pages(clock.monotonic)
    async with running(clock, sink, Source("spans", Stored(lambda: map(part, range(3))), pages)):
        await clock.advance(0)
        assert pages.render() == encode([FamilySamples(FAMILY, [part(number).samples[0] for number in range(3)])])
        assert len(sink.last.families) == 3
