"""Watching files: a change is told once, and only a change."""

import asyncio

from sidecar.runtime.watch import WATCH_SECONDS, FileWatch
from tests.fakes import FakeClock


async def test_a_change_is_told_once_and_standing_still_never() -> None:
    clock, told = FakeClock(), []
    files = ["a"]
    watch = FileWatch(lambda: tuple(files), lambda: told.append(tuple(files)), clock)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run(ready.set))
        await ready.wait()
        for round_number in range(4):
            if round_number == 2:
                files.append("b")
            await clock.until_somebody_sleeps()
            await clock.advance(WATCH_SECONDS)
        await clock.until_somebody_sleeps()
        task.cancel()
    assert told == [("a", "b")]
