"""Work in a thread that nobody has to wait for."""

import asyncio
import threading

import pytest

from sidecar.runtime.detached import detached


async def test_what_the_work_returns_and_what_it_raises_comes_back() -> None:
    assert await detached(lambda: threading.current_thread().name, "work") == "work"

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await detached(fail, "work")


async def test_work_that_hangs_is_left_alone_by_who_is_cancelled_and_keeps_no_process_alive() -> None:
    go_on = threading.Event()
    ended = threading.Event()
    daemons: list[bool] = []

    def hang() -> None:
        daemons.append(threading.current_thread().daemon)
        go_on.wait(10)
        ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await detached(hang, "work")
    assert (daemons, ended.is_set()) == ([True], False)
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
