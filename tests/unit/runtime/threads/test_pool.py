"""A pool of threads: its places, what is given up, one thread a source, and its end."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.runtime.threads import pool as pool_module
from sidecar.runtime.threads.pool import Pool
from tests.fakes import Panic, until

PATIENCE_SECONDS = 0.01
END_WITH_WORK_THAT_HANGS = """
import asyncio, threading
from sidecar.runtime.threads.names import NamesLoop
from sidecar.runtime.threads.pool import Pool

async def main():
    Pool("files", 1, 0.01).begin(threading.Event().wait)
    Pool("state", 1).begin(threading.Event().wait)
    print("ends")

with asyncio.Runner(loop_factory=NamesLoop) as runner:
    runner.run(main())
"""


class Hanging:
    """Work that hangs until it is released; `begun` counts how often somebody began it."""

    def __init__(self) -> None:
        self.begun = 0
        self._released = threading.Event()
        self.release = self._released.set

    def __call__(self) -> str:
        self.begun += 1
        assert self._released.wait(30)
        return "late"


@pytest.fixture
def hang() -> Iterator[Callable[[], Hanging]]:
    """Return a maker of work that hangs until the test is over, at the latest."""
    made: list[Hanging] = []

    def make() -> Hanging:
        made.append(Hanging())
        return made[-1]

    yield make
    for work in made:
        work.release()


async def give_up(pool: Pool, work: Callable[[], object], source: str | None = None, seconds: float = 0.005) -> None:
    """Wait for `work` no longer than `seconds`, which is too short."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await pool.run(work, source)


async def test_what_the_work_returns_and_what_it_raises_comes_back() -> None:
    pool = Pool("files", 1)
    assert await pool.run(lambda: threading.current_thread().name) == "files"
    for error in (ValueError("no"), Panic("a library")):
        with pytest.raises(type(error), match=str(error)):
            await pool.run(partial(_raise, error))
    assert await pool.run(lambda: threading.current_thread().daemon)


async def test_no_more_work_at_a_time_than_there_are_places_and_the_rest_in_order() -> None:
    pool, at_once, order, lock = Pool("parsing", 2), [0, 0], list[int](), threading.Lock()

    def work(number: int) -> None:
        with lock:
            order.append(number)
            at_once[0] += 1
            at_once[1] = max(at_once)
        threading.Event().wait(0.002)
        with lock:
            at_once[0] -= 1

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(pool.run(partial(work, number)))
    assert at_once == [0, 2]
    assert [abs(number - place) <= 1 for place, number in enumerate(order)] == [True] * 20
    assert (pool.busy, pool.given_up) == (0, 0)


async def test_what_hangs_leaves_its_place_to_others_and_is_counted(hang: Callable[[], Hanging]) -> None:
    pool, hanging = Pool("files", 1, PATIENCE_SECONDS), [hang() for _ in range(5)]
    waiting = [asyncio.ensure_future(pool.run(work)) for work in hanging]
    await asyncio.sleep(0)
    assert await pool.run(lambda: "fine") == "fine"
    assert (pool.busy, pool.given_up) == (0, 5)
    for work in hanging:
        work.release()
    assert await asyncio.wait_for(waiting[0], 10) == "late"
    await until(lambda: (pool.busy, pool.given_up) == (0, 0))
    for other in waiting[1:]:
        assert await other == "late"


async def test_what_nobody_waits_for_is_given_up_before_it_takes_long(hang: Callable[[], Hanging]) -> None:
    pool = Pool("files", 1, 30)
    await give_up(pool, hang())
    assert (pool.busy, pool.given_up) == (0, 1)
    assert await pool.run(lambda: "fine") == "fine"


async def test_no_more_are_given_up_than_a_pool_may(
    hang: Callable[[], Hanging], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "MOST_GIVEN_UP", 3)
    pool, hanging = Pool("names", 1, PATIENCE_SECONDS), [hang() for _ in range(9)]
    before = {*threading.enumerate()}
    for work in hanging:
        await give_up(pool, work)
    assert (pool.busy, pool.given_up, _started_since(before)) == (1, 3, 4)
    assert [work.begun for work in hanging] == [1, 1, 1, 1, 0, 0, 0, 0, 0]
    hanging[0].release()
    await until(lambda: pool.given_up == 2)
    await give_up(pool, hanging[0])
    hanging[3].release()
    assert await asyncio.wait_for(pool.run(lambda: "fine"), 10) == "fine"


async def test_work_that_computes_keeps_its_place_until_it_is_over(hang: Callable[[], Hanging]) -> None:
    pool, hanging = Pool("parsing", 1), hang()
    await give_up(pool, hanging)
    later = asyncio.ensure_future(pool.run(lambda: "after it"))
    await asyncio.sleep(2 * PATIENCE_SECONDS)
    assert (pool.busy, pool.given_up, later.done()) == (1, 0, False)
    hanging.release()
    assert await later == "after it"


async def test_a_source_is_asked_by_one_thread_however_many_wait_for_it(hang: Callable[[], Hanging]) -> None:
    pool, hanging, before = Pool("files", 4, PATIENCE_SECONDS), hang(), {*threading.enumerate()}
    for _ in range(20):
        await give_up(pool, hanging, "secret")
    waiting = [asyncio.ensure_future(pool.run(hanging, "secret")) for _ in range(20)]
    assert await pool.run(lambda: "another", "other secret") == "another"
    assert (hanging.begun, pool.given_up) == (1, 1)
    assert _started_since(before) <= 2
    waiting.pop().cancel()
    hanging.release()
    assert [await one for one in waiting] == ["late"] * 19
    assert await pool.run(lambda: "anew", "secret") == "anew"


async def test_who_stops_waiting_leaves_nothing_behind_however_often(hang: Callable[[], Hanging]) -> None:
    pool, hanging, left = Pool("files", 1, PATIENCE_SECONDS), hang(), weakref.WeakSet[asyncio.Task[str]]()
    for _ in range(20):
        task = asyncio.ensure_future(pool.run(hanging, "secret"))
        assert isinstance(task, asyncio.Task)
        left.add(task)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        del task
    gc.collect()
    assert len(left) == 0


async def test_work_that_waits_for_a_place_is_forgotten_with_whoever_wants_it(hang: Callable[[], Hanging]) -> None:
    pool, hanging, unwanted = Pool("parsing", 1), hang(), hang()
    first = asyncio.ensure_future(pool.run(hanging))
    await until(lambda: hanging.begun == 1)
    await give_up(pool, unwanted, "source")
    hanging.release()
    assert await first == "late"
    assert await pool.run(lambda: "anew", "source") == "anew"
    assert unwanted.begun == 0


async def test_work_that_fails_after_everybody_went_is_no_trouble(
    hang: Callable[[], Hanging], caplog: pytest.LogCaptureFixture
) -> None:
    pool, hanging = Pool("files", 1, PATIENCE_SECONDS), hang()

    def fail() -> None:
        hanging()
        raise ValueError("no")

    await give_up(pool, fail)
    hanging.release()
    await until(lambda: pool.given_up == 0)
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_a_system_without_more_threads_is_an_error_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool("files", 1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", lambda _: _raise(RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError, match="can't start"):
            await pool.run(lambda: "in vain", "source")
    assert pool.busy == 0
    assert await pool.run(lambda: "fine", "source") == "fine"


async def test_idle_threads_do_the_next_work_and_leave_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", 0.05)
    pool, before = Pool("files", 4), {*threading.enumerate()}
    idents = {await pool.run(threading.get_ident) for _ in range(10)}
    assert len(idents) == 1
    assert _started_since(before) == 1
    await until(lambda: _started_since(before) == 0)
    assert await pool.run(lambda: "again") == "again"


async def test_an_idle_thread_keeps_nothing_of_its_last_work() -> None:
    class Thing:
        def use(self) -> "Thing":
            return Thing()

    pool, thing = Pool("queries", 1), Thing()
    kept = weakref.ref(thing), weakref.ref(await pool.run(thing.use))
    del thing
    await until(lambda: [reference() for reference in kept] == [None, None])


def test_the_end_of_the_process_waits_for_no_thread() -> None:
    command = [sys.executable, "-c", END_WITH_WORK_THAT_HANGS]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    assert (ended.stdout, ended.stderr) == ("ends\n", "")


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["wait", "leave", "fail"])), max_size=30))
def test_whatever_comes_and_goes_the_counts_return_to_zero_and_everybody_gets_his_own(
    asked: list[tuple[int, str]],
) -> None:
    async def ask_all() -> None:
        pool = Pool("files", 2, 30)
        tasks = [
            asyncio.ensure_future(pool.run(partial(_answer, source, how), source or None)) for source, how in asked
        ]
        await asyncio.sleep(0)
        for task, (_, how) in zip(tasks, asked, strict=True):
            if how == "leave":
                task.cancel()
        for task, (source, how) in zip(tasks, asked, strict=True):
            await asyncio.wait([task])
            assert task.cancelled() == (how == "leave")
            if not task.cancelled():
                assert str(task.exception() or task.result()) == str(source)
        await until(lambda: (pool.busy, pool.given_up) == (0, 0))

    asyncio.run(ask_all())


def _answer(source: int, how: str) -> int:
    if how == "fail":
        raise ValueError(source)
    return source


def _raise(error: BaseException) -> None:
    raise error


def _started_since(before: set[threading.Thread]) -> int:
    """Return how many threads there are now beside those of `before`, of which some may have ended: other tests'."""
    return len({*threading.enumerate()} - before)
