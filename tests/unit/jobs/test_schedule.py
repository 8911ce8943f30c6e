"""Jobs run on time, alone, and again after they failed, whatever others do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from sidecar import jobs
from sidecar.app.registry import JOBS
from sidecar.jobs.schedule import MAX_JITTER_SECONDS, Job, JobFailed, JobRecovered, JobRunner, Scheduling
from sidecar.runtime.clock import Clock
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, Panic, RecordedEvents

EVERY = 10.0


@dataclass
class Work:
    """Notes when it was begun and ended; the test says how long each run takes, and which fail."""

    seconds: list[float] = field(default_factory=list)
    failing: list[bool] = field(default_factory=list)
    error: BaseException = field(default_factory=lambda: LookupError("no luck"))
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    is_failing: bool = False

    async def do(self, clock: Clock) -> None:
        self.began.append(clock.monotonic())
        await clock.sleep(self.seconds.pop(0) if self.seconds else 0)
        self.ended.append(clock.monotonic())
        if self.is_failing or (self.failing and self.failing.pop(0)):
            raise self.error


class Bench:
    """Jobs that run by a clock of the test."""

    def __init__(self, chance: float = 0.0) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.registry = CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        self.leads = True
        meter = Meter(self.registry)
        self.scheduling = Scheduling(self.clock, meter, self.events, lambda: self.leads, lambda: chance)

    @asynccontextmanager
    async def runs(self, *works: Work, every: float = EVERY, leader_only: bool = False) -> AsyncIterator[None]:
        """Run a job of each of `works`, called `0`, `1` and so on."""
        async with open_tier(self.clock, self.events) as tier:
            for number, work in enumerate(works):
                job = Job(str(number), every, leader_only, Work.do)
                await tier.start(JobRunner(job, work, self.scheduling))
            yield

    def at(self, work: Work) -> list[float]:
        """Return how many seconds after the start each run of `work` began."""
        return [began - self.began for began in work.began]

    def value(self, name: str, job: str = "0") -> float | None:
        return self.registry.get_sample_value(f"sidecar_job_{name}", {"job_name": job})

    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.events.seen]


async def test_a_job_runs_on_its_interval_until_the_end() -> None:
    bench, work = Bench(), Work()
    async with bench.runs(work):
        await bench.clock.advance(3 * EVERY)
    await bench.clock.advance(3 * EVERY)
    assert bench.at(work) == [0, 10, 20, 30]


@pytest.mark.parametrize(("every", "latest"), [(10.0, 10.0), (3600.0, MAX_JITTER_SECONDS)])
async def test_the_first_run_comes_a_random_moment_after_the_start(every: float, latest: float) -> None:
    bench, work = Bench(chance=0.5), Work()
    async with bench.runs(work, every=every):
        await bench.clock.advance(every + latest)
    assert bench.at(work) == [latest / 2, latest / 2 + every]


async def test_jobs_do_not_start_together() -> None:
    bench, works = Bench(), [Work() for _ in range(5)]
    bench.scheduling = Scheduling(bench.clock, Meter(bench.registry), bench.events, lambda: True, Random(7).random)
    async with bench.runs(*works):
        await bench.clock.advance(EVERY)
    assert len({work.began[0] for work in works}) == 5


async def test_runs_that_fell_due_during_a_long_one_are_one() -> None:
    bench, work = Bench(), Work(seconds=[35.0, 1.0])
    async with bench.runs(work):
        await bench.clock.advance(60)
    assert bench.at(work) == [0, 40, 50, 60]


async def test_a_machine_that_slept_gets_one_run_and_not_all_that_fell_due() -> None:
    bench, work = Bench(), Work()
    async with bench.runs(work):
        await bench.clock.advance(5)
        bench.clock.pass_by(600)
        await bench.clock.advance(4)
        assert bench.at(work) == [0, 605]


async def test_a_job_that_fails_is_told_once_counted_each_time_and_goes_on() -> None:
    bench, work = Bench(), Work(failing=[False, True, True, True, False, False])
    async with bench.runs(work):
        await bench.clock.advance(5 * EVERY)
        assert bench.at(work) == [0, 10, 20, 30, 40, 50]
    assert bench.told() == ["JobFailed", "JobRecovered"]
    assert bench.events.seen == [JobFailed("0", "LookupError: no luck", EVERY), JobRecovered("0", 30.0)]
    assert (bench.value("runs_total"), bench.value("failures_total")) == (6, 3)


@pytest.mark.parametrize("error", [Panic("a bug in Rust"), asyncio.CancelledError()], ids=["panic", "cancelled"])
async def test_whatever_breaks_a_run_is_a_failed_run_and_the_next_one_comes_in_time(error: BaseException) -> None:
    bench, work = Bench(), Work(failing=[True, False], error=error)
    async with bench.runs(work):
        await bench.clock.advance(EVERY)
        assert (bench.at(work), bench.value("runs_total"), bench.value("failures_total")) == ([0, 10], 2, 1)
    assert bench.told() == ["JobFailed", "JobRecovered"]


async def test_what_is_told_of_a_failed_run_holds_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    bench, work = Bench(), Work(failing=[True], error=OSError("no route to postgres://app:canary@db/shop"))
    async with bench.runs(work):
        await bench.clock.advance(1)
    assert caplog.messages == ["Job `0` failed: OSError: no route to postgres://***@db/shop. It runs again every 10 s."]
    assert "canary" not in str([vars(record) for record in caplog.records])


async def test_a_second_outage_is_told_again() -> None:
    bench, work = Bench(), Work(failing=[True, False, True, False])
    async with bench.runs(work):
        await bench.clock.advance(3 * EVERY)
    assert bench.told() == ["JobFailed", "JobRecovered"] * 2


async def test_meters_say_how_long_runs_took_and_when_one_worked_last() -> None:
    bench, work = Bench(), Work(seconds=[1.0, 2.5, 4.0], failing=[False, False, True])
    async with bench.runs(work):
        assert (bench.value("runs_total"), bench.value("failures_total"), bench.value("seconds_total")) == (0, 0, 0)
        await bench.clock.advance(2 * EVERY + 5)
    assert bench.value("seconds_total") == 7.5
    assert bench.value("last_success_timestamp_seconds") == bench.clock.now() - 12.5


async def test_a_job_of_the_leader_runs_only_while_this_is_the_leader() -> None:
    bench, ours, theirs = Bench(), Work(), Work()
    bench.leads = False
    async with bench.runs(theirs, leader_only=True):
        await bench.clock.advance(EVERY)
        assert (bench.at(theirs), bench.value("runs_total")) == ([], 0)
        bench.leads = True
        await bench.clock.advance(EVERY)
        bench.leads = False
        await bench.clock.advance(EVERY)
    assert bench.at(theirs) == [20]
    async with bench.runs(ours):
        await bench.clock.advance(0)
    assert len(ours.began) == 1


async def test_a_run_is_cancelled_with_its_job() -> None:
    bench, work = Bench(), Work(seconds=[1000.0])
    async with bench.runs(work):
        await bench.clock.advance(1)
    assert (len(work.began), work.ended, bench.told()) == (1, [], [])


RUNS = st.lists(st.tuples(st.floats(0, 3), st.booleans()), min_size=1, max_size=8)
"""How long each run takes, in intervals, and whether it fails."""


@settings(max_examples=30, deadline=None)
@given(every=st.floats(0.5, 5_000), chance=st.floats(0, 1, exclude_max=True), runs=RUNS)
def test_no_run_overlaps_and_none_waits_for_longer_than_an_interval(
    every: float, chance: float, runs: list[tuple[float, bool]]
) -> None:
    bench = Bench(chance)
    work = Work([share * every for share, _ in runs], [fails for _, fails in runs])

    async def life() -> None:
        async with bench.runs(work, every=every):
            await bench.clock.advance(MAX_JITTER_SECONDS + sum(share + 1.2 for share, _ in runs) * every)

    asyncio.run(life())
    pauses = [began - ended for began, ended in zip(work.began[1:], work.ended, strict=False)]
    jitter, some = min(every, MAX_JITTER_SECONDS), 1e-6 * every
    assert len(work.began) >= len(runs)
    assert 0 <= work.began[0] - bench.began <= jitter + some
    assert all(-some <= pause <= 1.1 * every + some for pause in pauses)
    assert all(distance(began - work.began[0], every) <= some for began in work.began)
    assert bench.value("failures_total") == sum(fails for _, fails in runs)


@settings(max_examples=30, deadline=None)
@given(others=st.lists(RUNS, min_size=1, max_size=3))
def test_jobs_that_fail_or_take_long_change_nothing_for_another(others: Sequence[list[tuple[float, bool]]]) -> None:
    bench, work = Bench(), Work()
    bad = [Work([share * EVERY for share, _ in runs], [fails for _, fails in runs]) for runs in others]

    async def life() -> None:
        async with bench.runs(work, *bad):
            await bench.clock.advance(10 * EVERY)

    asyncio.run(life())
    assert bench.at(work) == [EVERY * number for number in range(11)]


def distance(seconds: float, grid: float) -> float:
    """Return how far `seconds` is from a multiple of `grid`."""
    return min(seconds % grid, grid - seconds % grid)


def test_every_job_is_registered_once_under_a_name_of_its_own() -> None:
    modules = [import_module(found.name) for found in iter_modules(jobs.__path__, "sidecar.jobs.")]
    written = [module.JOB for module in modules if hasattr(module, "JOB")]
    assert sorted(job.name for job in JOBS) == sorted({job.name for job in written})
    assert set(JOBS) == set(written)
