"""One thread for what blocks, with a deadline for whoever waits."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sidecar.runtime.state.error import Reason, StateError, state_error
from sidecar.runtime.threads.pool import Pool

T = TypeVar("T")


class Worker:
    """Does one piece of work after the other in a thread of its own.

    Work that hangs in the kernel cannot be ended: who waits for it is told in time, and nothing more is begun until it
    is over.
    """

    def __init__(self) -> None:
        self._pool = Pool("state", 1)
        self._turn = asyncio.Lock()
        self._working: asyncio.Future[Any] | None = None

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what `work` returns; raise StateError when it fails or is not done within `seconds`.

        Work that takes longer, or whose waiter is cancelled, still goes on to its end.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        async with self._turn:
            if self._working is not None:
                await _until_done(self._working, deadline)
            future = self._pool.begin(work)
            self._working = future
            future.add_done_callback(_look_at_error)
            await _until_done(future, deadline)
            try:
                return future.result()
            except StateError:
                raise
            except Exception as error:
                raise state_error(error) from error


async def _until_done(future: asyncio.Future[Any], deadline: float) -> None:
    await asyncio.wait([future], timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    if not future.done():
        raise StateError(Reason.SLOW, "the disk did not answer in time")


def _look_at_error(future: asyncio.Future[Any]) -> None:
    """Have asyncio know that the error of work which nobody waits for any more was seen."""
    if not future.cancelled():
        future.exception()
