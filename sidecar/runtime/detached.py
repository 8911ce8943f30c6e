"""Blocking work that may hang: unlike `asyncio.to_thread`, the end of the process does not wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def detached(work: Callable[[], T], name: str) -> T:
    """Return what `work` returns in a thread called `name`; cancelled, leave the thread to itself."""
    return await asyncio.wrap_future(begun(work, name))


def begun(work: Callable[[], T], name: str) -> Future[T]:
    """Begin `work` in a thread called `name`; any number may wait for it, and none of them can cancel it."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    Thread(target=_run, args=(work, future), name=name, daemon=True).start()
    return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - the edge of the thread: whoever waits is told
        future.set_exception(error)
    else:
        future.set_result(result)
