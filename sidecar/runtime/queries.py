"""Queries over what the head holds: each on a snapshot, long ones beside the event loop, all within limits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from time import sleep
from traceback import clear_frames
from typing import Protocol, TypeVar

from sidecar.model.errors import QueryError
from sidecar.model.matcher import Matcher
from sidecar.model.steps import Steps, step
from sidecar.promql.ast import Expr, Subquery, walk
from sidecar.promql.config import PromqlConfig
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.guard import check
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.reach import selectors
from sidecar.promql.result import Matrix, Result
from sidecar.promql.source import SeriesSource
from sidecar.runtime.clock import Clock
from sidecar.runtime.threads.purposes import QUERIES
from sidecar.runtime.turns import in_turns

T = TypeVar("T")

_SMALL_SERIES = 500
"""Series times nodes of the expression that the event loop evaluates itself, in a millisecond: a thread costs 50 us."""
_SMALL_SAMPLES = 100_000
"""Samples of those series."""
_SHORT_TEXT = 1000
"""Characters that the event loop looks at itself, in a third of a millisecond."""
_SHORT_MICROSECONDS = 1000
"""Parsing that the event loop does itself."""
_PAUSE_EVERY_SECONDS, _PAUSE_SECONDS = 0.005, 0.00005
"""How often an evaluation in a thread sleeps, and for how long: with what waking up takes, 3 % of its time.

Ten times the interval after which Python asks a thread for its lock (`share_process`): most evaluations heed that.
"""


class Frozen(SeriesSource, Protocol):
    """Series as they were at one moment, to be read by any thread."""

    @property
    def series(self) -> int:
        """How many there are, for all selectors together."""
        ...

    @property
    def samples(self) -> int:
        """How many samples they have."""
        ...


class Store(Protocol):
    """Gives snapshots of what some selectors find: the head."""

    def snapshot_in_steps(self, selectors: Iterable[Sequence[Matcher]], /) -> Steps[Frozen]:
        """Return the series as they are now; others may write between the steps."""
        ...


@dataclass(slots=True)
class _Watch:
    """Ends an evaluation in another thread: in time, or when nobody waits for it any more."""

    monotonic: Callable[[], float]
    ends: float
    canceled: bool = False
    pause_at: float = inf
    """When the evaluation sleeps next to let the event loop run, as only one in a thread may."""

    def pause_from_now_on(self) -> None:
        """Note that the evaluation is in a thread."""
        self.pause_at = self.monotonic() + _PAUSE_EVERY_SECONDS

    def check(self) -> None:
        """Raise QueryError when the evaluation is to end; in a thread, let the event loop run if it is time.

        Asking for Python's lock is not enough where it is given up often, by regular expressions for example: whoever
        gave it up takes it again before another thread has woken up.
        """
        if self.canceled:
            raise QueryError("canceled", "query was canceled in expression evaluation")
        now = self.monotonic()
        if now >= self.ends:
            raise QueryError("timeout", "query timed out in expression evaluation")
        if now >= self.pause_at:
            sleep(_PAUSE_SECONDS)
            self.pause_from_now_on()


class Queries:
    """Answers queries over `store` within the limits of `config`.

    A small one is evaluated at once, any other in a thread, `max_concurrency` at the same time: numpy lets the event
    loop run, and Python changes between threads. A cancelled query ends soon after.
    """

    def __init__(self, store: Store, clock: Clock, config: PromqlConfig, evaluation_interval_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self.configure(config, evaluation_interval_seconds)

    def configure(self, config: PromqlConfig, evaluation_interval_seconds: float) -> None:
        """Take other limits for queries from now on; the interval is the step of subqueries that name none."""
        self._config = config
        self._step_ms = round(evaluation_interval_seconds * 1000)
        self._slots = asyncio.Semaphore(config.max_concurrency)

    async def parse(self, text: str) -> Expr:
        """Return the syntax tree of `text`; one that takes long is read in a thread. Raises QueryError `bad_data`."""
        if len(text) <= _SHORT_TEXT and check(text) <= _SHORT_MICROSECONDS:
            return parse(text)
        return await QUERIES.run(partial(parse, text))

    async def instant(self, expr: Expr, time_ms: int, timeout_seconds: float | None = None) -> Result:
        """Return the value of `expr` at a Unix time in milliseconds; a timeout above the configured one is cut.

        Raises QueryError: `bad_data`, `execution`, `timeout`.
        """
        return await self._answer(
            expr, lambda source, options: evaluate_instant(expr, source, time_ms, options), timeout_seconds
        )

    async def range(self, expr: Expr, steps: tuple[int, int, int], timeout_seconds: float | None = None) -> Matrix:
        """Return the values of `expr` at (start, end, step) in Unix milliseconds; raises QueryError as `instant`."""
        return await self._answer(
            expr, lambda source, options: evaluate_range(expr, source, *steps, options), timeout_seconds, one=False
        )

    async def _answer(
        self,
        expr: Expr,
        evaluate: Callable[[SeriesSource, Options], T],
        timeout_seconds: float | None,
        *,
        one: bool = True,
    ) -> T:
        seconds = min(timeout_seconds or self._config.timeout_seconds, self._config.timeout_seconds)
        watch = _Watch(self._clock.monotonic, self._clock.monotonic() + seconds)
        options = self._options(watch)
        wanted = [selector.matchers for selector in selectors(expr)]
        source = await in_turns(_checked(self._store.snapshot_in_steps(wanted), watch), self._clock)
        if one and _is_small(expr, source):
            return evaluate(source, options)
        try:
            async with self._slot(seconds):
                watch.pause_from_now_on()
                return await QUERIES.run(partial(_evaluated, evaluate, source, options))
        finally:
            watch.canceled = True

    def _options(self, watch: _Watch) -> Options:
        return Options(
            lookback_ms=round(self._config.lookback_seconds * 1000),
            default_step_ms=self._step_ms,
            max_samples=self._config.max_samples,
            check=watch.check,
        )

    @asynccontextmanager
    async def _slot(self, seconds: float) -> AsyncIterator[None]:
        slots = self._slots
        try:
            async with asyncio.timeout(seconds):
                await slots.acquire()
        except TimeoutError as error:
            raise QueryError("timeout", "query timed out in query queue") from error
        try:
            yield
        finally:
            slots.release()


def _evaluated(evaluate: Callable[[SeriesSource, Options], T], source: SeriesSource, options: Options) -> T:
    """Return what `evaluate` does; meant for a thread.

    What an evaluation that failed has made is let go of here, frame by frame: the event loop, which gets the error,
    would let go of all at once, and stand still for as long as that takes.
    """
    try:
        return evaluate(source, options)
    except QueryError as error:
        clear_frames(error.__traceback__)
        raise error.with_traceback(None) from None


def _checked(steps: Steps[T], watch: _Watch) -> Steps[T]:
    """Take `steps` as long as the query may go on."""
    watch.check()
    while (end := step(steps)) is None:
        yield
        watch.check()
    return end.value


def _is_small(expr: Expr, source: Frozen) -> bool:
    nodes = list(walk(expr))
    if source.samples > _SMALL_SAMPLES or source.series * len(nodes) > _SMALL_SERIES:
        return False
    return len(nodes) <= _SMALL_SERIES and not any(isinstance(node, Subquery) for node in nodes)
