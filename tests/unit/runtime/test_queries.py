"""Queries end by their limits with Prometheus' error types, and others run meanwhile, whatever is asked."""

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from sidecar.model.errors import QueryError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.config import PromqlConfig
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix, Scalar, Vector
from sidecar.runtime import garbage
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.queries import Queries
from sidecar.runtime.threads.sharing import SWITCH_SECONDS
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head

pytestmark = pytest.mark.alone("measures how long the loop stands still, and memory")

SERIES, COLUMNS, INTERVAL_MS = 20_000, 24, 15_000
END_MS = (COLUMNS - 1) * INTERVAL_MS
FAMILY = Family("x", MetricType.GAUGE, "A number.")
LONGEST_BLOCK_SECONDS = 0.05
ATTEMPTS = 4
"""Others use the machine too: what the query itself does to the loop shows in the best of these."""


def within(text: str, levels: int, inner: str) -> str:
    for _ in range(levels):
        inner = text % inner
    return inner


HOSTILE = {
    "deep": (within("abs(%s)", 80, "x"), ("",)),
    "steps of a millisecond": ("max_over_time(vector(1)[30d:1ms])", ("execution",)),
    "a million points in one window": ("stddev_over_time((vector(1) * time())[1d:80ms])", ("",)),
    "a million points, one after the other": (
        "double_exponential_smoothing(vector(1)[1d:20ms], 0.5, 0.5)",
        ("timeout",),
    ),
    "a subquery of everything": ("max_over_time(x[1h:1s])", ("execution",)),
    "subqueries within subqueries": (within("max_over_time(%s[1d:1m])", 30, "vector(1)"), ("", "timeout")),
    "a cross join": ("x * on (route) group_left () x", ("execution",)),
    "a join of everything": ("x * ignoring (i) group_left () sum without (i) (x)", ("",)),
    "expressions over every value": (
        " or ".join(f'x{{i=~".*{n}.*(a|b)*"}}' for n in range(40)),
        ("", "timeout", "execution"),
    ),
    "series that were not there before": (
        " or ".join(f'label_replace(x, "n", "{n}", "i", ".*")' for n in range(40)),
        ("execution", "timeout"),
    ),
    "a count of unique values": ('count_values("v", x)', ("",)),
    "labels that double": (
        within('label_replace(%s, "i", "$1$1", "i", "(.*)")', 60, "x"),
        ("execution", "timeout"),
    ),
    "labels that are joined": (within('label_join(%s, "i", "", "i", "i", "i")', 60, "x"), ("execution",)),
    "the end of time": ("x @ 253402300799", ("",)),
    "before all time": ("x offset 290y", ("",)),
    "windows of all time": ("max_over_time(x[290y:1y] offset -290y)", ("",)),
    "many operators": ("+".join(["x"] * 200), ("", "timeout")),
    "more operators than are read": ("+".join(["rate(x[5m])"] * 990), ("bad_data",)),
    "as many operators as are read": (" or ".join(["abs(" * 10 + "x" + ")" * 10] * 148), ("", "timeout")),
    "a large regular expression": (r'x{i=~"\\pL{30}"}', ("",)),
    "all": ('{__name__=~".+"}', ("",)),
}
HOSTILE_RANGES = {
    "11,001 steps": ("vector(1)", (0, 11_000_000, 1000), ("",)),
    "11,002 steps": ("vector(1)", (0, 11_001_000, 1000), ("bad_data",)),
    "no step": ("vector(1)", (0, 1000, 0), ("bad_data",)),
    "backwards": ("vector(1)", (1000, 0, 1), ("bad_data",)),
    "from the first to the last time": ("x", (-(2**62), 2**62, 2**50), ("execution",)),
    "every series at every step": ("x", (0, END_MS, 32), ("execution",)),
    "windows at every step": ("max_over_time(vector(1)[30d:1m])", (0, 11_000_000, 1000), ("", "timeout")),
    "a ranking at every step": ("topk(3, x)", (0, END_MS, 500), ("", "timeout")),
    "rates": ("rate(x[5m])", (0, END_MS, 1500), ("",)),
}


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """Yield a head within a process that is set up as the sidecar sets up its own."""
    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_SECONDS)
    head = full_head()
    garbage.settle()
    yield head
    gc.unfreeze()
    sys.setswitchinterval(before[0])
    gc.set_threshold(*before[1])


def full_head() -> Head:
    store = Head(HeadConfig())
    labels = [labels_of({"i": str(n), "route": f"/{n % 50}"}) for n in range(SERIES)]
    for column in range(COLUMNS):
        samples = [Sample("x", row, float(n * column)) for n, row in enumerate(labels)]
        store.accept(SampleBatch("app", column * INTERVAL_MS, (), [FamilySamples(FAMILY, samples)]))
    return store


def queries(head: Head, **settings: float) -> Queries:
    return Queries(head, SystemClock(), PromqlConfig.model_validate({"timeout_seconds": 1, **settings}), 60)


@asynccontextmanager
async def longest_block() -> AsyncIterator[list[float]]:
    """Yield a list that in the end holds the longest time that the event loop did not run."""
    longest = [0.0]

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest[0] = max(longest[0], time.perf_counter() - before - 0.001)

    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(beat())
        yield longest
        beating.cancel()


async def assert_loop_runs_on(ask: Callable[[], Awaitable[None]]) -> None:
    """Fail if the loop stands still too long each time that is asked."""
    blocks = []
    for _ in range(ATTEMPTS):
        async with longest_block() as longest:
            await ask()
        blocks.append(longest[0])
        if blocks[-1] < LONGEST_BLOCK_SECONDS:
            return
    pytest.fail(f"the loop stood still each time, in seconds: {blocks}")


async def kind_of(query: Queries, text: str, steps: tuple[int, int, int] | None) -> str:
    try:
        expr = await query.parse(text)
        await (query.instant(expr, END_MS) if steps is None else query.range(expr, steps))
    except QueryError as error:
        return error.kind
    return ""


@pytest.mark.parametrize(
    ("text", "steps", "kinds"),
    [(text, None, kinds) for text, kinds in HOSTILE.values()] + list(HOSTILE_RANGES.values()),
    ids=[*HOSTILE, *HOSTILE_RANGES],
)
async def test_a_hostile_query_ends_by_limits_and_never_holds_the_loop(
    head: Head, text: str, steps: tuple[int, int, int] | None, kinds: tuple[str, ...]
) -> None:
    query = queries(head, timeout_seconds=0.25 if "timeout" in kinds else 1)

    async def ask() -> None:
        began = time.monotonic()
        assert await kind_of(query, text, steps) in kinds
        assert time.monotonic() - began < 10

    await assert_loop_runs_on(ask)


@pytest.mark.parametrize("name", ["labels that double", "labels that are joined", "a count of unique values"])
async def test_hostile_queries_at_the_same_time_do_not_hold_the_loop(head: Head, name: str) -> None:
    query = queries(head)

    async def ask_four_times() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(kind_of(query, HOSTILE[name][0], None))

    await assert_loop_runs_on(ask_four_times)


@pytest.mark.parametrize(
    "name",
    [
        "steps of a millisecond",
        "a million points in one window",
        "a count of unique values",
        "labels that double",
        "labels that are joined",
        "every series at every step",
    ],
)
async def test_memory_stays_within_what_the_limits_allow(head: Head, name: str) -> None:
    query = queries(head, max_samples=3_000_000, timeout_seconds=20)
    tracemalloc.start()
    try:
        if name in HOSTILE:
            await kind_of(query, HOSTILE[name][0], None)
        else:
            await kind_of(query, *HOSTILE_RANGES[name][:2])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000 * 50


async def test_a_small_query_does_not_wait_for_long_ones(head: Head) -> None:
    query = queries(head, max_concurrency=1, timeout_seconds=2)
    slow = parse(HOSTILE["a million points, one after the other"][0])

    async def one() -> None:
        with pytest.raises(QueryError) as failure:
            await query.instant(slow, END_MS)
        assert failure.value.kind == "timeout"

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(one())
        await asyncio.sleep(0.01)
        began = time.monotonic()
        answers = [await query.instant(parse(text), END_MS) for text in ("1 + 1", 'x{i="7"}')]
        assert time.monotonic() - began < 1
    assert isinstance(answers[0], Scalar)
    assert answers[0].value == 2
    assert isinstance(answers[1], Vector)
    assert [sample.value for sample in answers[1].samples] == [7.0 * (COLUMNS - 1)]


async def test_a_query_that_waits_too_long_for_its_turn_times_out(head: Head) -> None:
    query = queries(head, max_concurrency=1)
    slow = parse(HOSTILE["a million points, one after the other"][0])
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(kind_of(query, HOSTILE["a million points, one after the other"][0], None))
        await asyncio.sleep(0.05)
        with pytest.raises(QueryError, match="query timed out in query queue") as failure:
            await query.instant(slow, END_MS, timeout_seconds=0.1)
    assert failure.value.kind == first.result() == "timeout"


async def test_a_cancelled_query_gives_its_thread_back(head: Head) -> None:
    query = queries(head, max_concurrency=1, timeout_seconds=60)
    slow = parse(HOSTILE["a million points, one after the other"][0])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await query.instant(slow, END_MS)
    began = time.monotonic()
    answer = await query.range(parse("sum(x)"), (0, END_MS, INTERVAL_MS))
    assert isinstance(answer, Matrix)
    assert time.monotonic() - began < 5


async def test_a_query_sees_whole_batches_while_the_head_is_written() -> None:
    store = Head(HeadConfig())
    query = queries(store)
    expr = parse("max(x) - min(x) + (count(x) - 3000)")

    def batch(tick: int) -> SampleBatch:
        samples = [Sample("x", labels_of({"i": str(n)}), float(tick)) for n in range(3000)]
        return SampleBatch("app", tick, (), [FamilySamples(FAMILY, samples)])

    store.accept(batch(1))

    async def write() -> None:
        for tick in range(2, 60):
            for _ in store.accept_in_steps(batch(tick)):
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write())
        while not writing.done():
            answer = await query.instant(expr, 1000)
            assert isinstance(answer, Vector)
            assert [sample.value for sample in answer.samples] == [0.0]


async def test_settings_are_those_of_the_configuration(head: Head) -> None:
    short = queries(head, lookback_seconds=10)
    answer = await short.instant(parse("count(x)"), END_MS + 11_000)
    assert isinstance(answer, Vector)
    assert answer.samples == ()
    short.configure(PromqlConfig(max_samples=1000), 1.0)
    with pytest.raises(QueryError, match="too many samples"):
        await short.instant(parse("x"), END_MS)
    answer = await short.instant(parse("count_over_time(vector(1)[10s:])"), END_MS)
    assert isinstance(answer, Vector)
    assert [sample.value for sample in answer.samples] == [10.0]
