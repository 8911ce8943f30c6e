"""Threads for one purpose, which work for no other: what hangs in one is felt in no other."""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

IDLE_SECONDS = 10.0
"""How long a thread waits for more to do: less than the usual interval, so that between two scrapes there are none."""
MOST_GIVEN_UP = 64
"""Threads of a pool that are given up and go on all the same; any more keep their place."""


class GivenUp(NamedTuple):
    """Work on `source`, if it has one, is left to itself, or came back after so many seconds."""

    pool: str
    source: Hashable
    seconds: float | None


class Pool:
    """At most `threads` threads that work for the purpose `name`; started when they are needed, they end when idle.

    Work that may hang, on a disk or a server, has `patience_seconds`. What takes longer than that, or nobody waits for
    any more, is given up: it goes on, but leaves its place to others. Without patience, for what computes and ends by
    itself, it keeps its place. Whoever waits, waits in order, and says by cancellation for how long. The end of the
    process waits for none of the threads.
    """

    def __init__(self, name: str, threads: int, patience_seconds: float | None = None) -> None:
        self.name = name
        self.busy = 0
        """Threads that work and were not given up."""
        self.given_up = 0
        """Threads whose work takes too long, or is waited for by nobody."""
        self.given_up_total = 0
        self.told: Callable[[GivenUp], None] = lambda given_up: None
        """Is told of each thread that is given up, and that comes back, in whatever thread that is noticed."""
        self._threads = threads
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._queue: deque[_Work] = deque()
        self._by_source: dict[Hashable, _Work] = {}
        self._idle: list[SimpleQueue[_Work]] = []
        """Where each idle thread is given its next work; the last one is asked first, so that the others may end."""

    async def run(self, call: Callable[[], T], source: Hashable = None) -> T:
        """Return what `call` returns in a thread, or raise what it raises; cancelled, leave it to itself.

        Of one `source`, such as a file, at most one thread is asked: while it works, whoever names the source again
        waits for the same and gets the same. None is no source.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        work = self._join(call, source, future)
        try:
            while self._patience_seconds is not None and not future.done() and work.state is not _State.GIVEN_UP:
                await asyncio.wait([future], timeout=self._patience_seconds)
                self._give_up(work)
            return await future
        finally:
            self._leave(work, future)

    def begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Begin `call`, and return the future of what it returns; it goes on to its end whoever waits for that."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._join(call, None, future)
        return future

    def _join(self, call: Callable[[], Any], source: Hashable, future: asyncio.Future[Any]) -> "_Work":
        with self._lock:
            work = self._by_source.get(source)
            if work is None:
                work = _Work(call, source)
                if source is not None:
                    self._by_source[source] = work
                self._queue.append(work)
            work.waiters.add(future)
            self._fill()
            return work

    def _leave(self, work: "_Work", future: asyncio.Future[Any]) -> None:
        if not future.cancel() and not future.cancelled():
            future.exception()  # whoever was cancelled at the same moment does not look at it
        with self._lock:
            work.waiters.discard(future)
            if work.waiters:
                return
            if work.state is _State.WAITING:
                self._queue.remove(work)
                self._forget(work)
        if self._patience_seconds is not None:
            self._give_up(work)

    def _give_up(self, work: "_Work") -> None:
        with self._lock:
            if work.state is not _State.WORKING or self.given_up >= MOST_GIVEN_UP:
                return
            work.state, work.given_up_at = _State.GIVEN_UP, monotonic()
            self.busy -= 1
            self.given_up += 1
            self.given_up_total += 1
            self._fill()
        self.told(GivenUp(self.name, work.source, None))

    def _fill(self) -> None:
        """Give what waits to threads, as far as there are places."""
        while self._queue and self.busy < self._threads:
            work = self._queue.popleft()
            work.state = _State.WORKING
            self.busy += 1
            try:
                place = self._idle.pop() if self._idle else self._started()
            except RuntimeError as error:  # the system has no more threads
                self._end(work)
                _tell(work, None, error)
            else:
                place.put(work)

    def _started(self) -> "SimpleQueue[_Work]":
        """Start a thread and return its place."""
        place: SimpleQueue[_Work] = SimpleQueue()
        Thread(target=self._serve, args=(place,), name=self.name, daemon=True).start()
        return place

    def _serve(self, place: "SimpleQueue[_Work]") -> None:
        """Be a thread, which is given its work at `place`."""
        while (work := self._given(place)) is not None:
            self._do(work, place)
            del work  # what it holds is not to wait with this thread

    def _given(self, place: "SimpleQueue[_Work]") -> "_Work | None":
        """Return what to do next, None when nothing came in time."""
        with suppress(Empty):
            return place.get(timeout=IDLE_SECONDS)
        with self._lock:
            if place in self._idle:
                self._idle.remove(place)
                return None
        return place.get()  # it is given at this very moment

    def _do(self, work: "_Work", place: "SimpleQueue[_Work]") -> None:
        try:
            result = work.call()
        except BaseException as error:  # noqa: BLE001 - the edge of the thread: whoever waits is told
            self._finish(work, place, None, error)
        else:
            self._finish(work, place, result, None)

    def _finish(self, work: "_Work", place: "SimpleQueue[_Work]", result: object, error: BaseException | None) -> None:
        if work.state is _State.GIVEN_UP:
            self.told(GivenUp(self.name, work.source, monotonic() - work.given_up_at))
        with self._lock:
            self._end(work)
            self._idle.append(place)
            self._fill()
            _tell(work, result, error)

    def _end(self, work: "_Work") -> None:
        if work.state is _State.GIVEN_UP:
            self.given_up -= 1
        else:
            self.busy -= 1
        self._forget(work)

    def _forget(self, work: "_Work") -> None:
        work.state = _State.DONE
        if work.source is not None:
            del self._by_source[work.source]


class _State(Enum):
    WAITING = 0
    WORKING = 1
    GIVEN_UP = 2
    DONE = 3


@dataclass(eq=False, slots=True)
class _Work:
    call: Callable[[], Any]
    source: Hashable
    state: _State = _State.WAITING
    given_up_at: float = 0.0
    waiters: set[asyncio.Future[Any]] = field(default_factory=set)


def _tell(work: _Work, result: object, error: BaseException | None) -> None:
    while work.waiters:
        future = work.waiters.pop()
        with suppress(RuntimeError):  # its event loop is closed
            future.get_loop().call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():  # given up meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
