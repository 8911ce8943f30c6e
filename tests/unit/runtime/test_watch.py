"""Watching files: a change is told once it stands still, once, and only a change."""

import asyncio
from collections.abc import Sequence

import pytest

from sidecar.runtime.watch import SETTLE_SECONDS, WATCH_SECONDS, FileWatch
from tests.fakes import FakeClock


class Files:
    """What is in the files, and what was read of them when a change was told."""

    def __init__(self, *, readable: bool = True) -> None:
        self.content = self.read = "a"
        self.told: list[str] = []
        self._readable = readable

    def changed(self) -> None:
        self.told.append(self.content)
        if self._readable:
            self.read = self.content


async def told_of(contents: Sequence[str], files: Files | None = None) -> list[str]:
    """Return which contents were told, if the files hold one of `contents` at each look."""
    clock, files = FakeClock(), files or Files()
    looks: list[str] = []

    def look() -> str:
        looks.append(files.content)
        return files.content

    watch = FileWatch(look, lambda: files.read, files.changed, clock)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run(ready.set))
        await ready.wait()
        await clock.until_somebody_sleeps()
        for number, files.content in enumerate(contents, start=1):
            while len(looks) < number:
                await clock.advance(SETTLE_SECONDS / 2)
                await clock.until_somebody_sleeps()
        task.cancel()
    return files.told


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        ("aaaa", ""),
        ("abbbb", "b"),
        ("bbb", "b"),
        ("ab", ""),
        ("a-aaa", ""),
        ("a-bbb", "b"),
        ("abcdeee", "e"),
        ("abbaabb", "bab"),
        ("abababab", ""),
    ],
    ids=[
        "standing still",
        "a change is told once",
        "changed before the first look",
        "changed at the last look",
        "empty for a moment",
        "emptied and written anew",
        "a slow writer",
        "back and forth",
        "never the same twice",
    ],
)
async def test_a_change_is_told_once_it_stands_still(contents: str, told: str) -> None:
    assert "".join(await told_of(contents)) == told


async def test_what_cannot_be_read_is_told_once_and_its_mending_again() -> None:
    assert await told_of("abbbbccc", Files(readable=False)) == ["b", "c"]


async def test_what_cannot_be_read_is_told_again_when_it_was_good_between() -> None:
    assert await told_of("abbaabb", Files(readable=False)) == ["b", "b"]


async def test_what_somebody_else_had_read_is_not_told() -> None:
    files = Files()
    files.read = "b"
    assert await told_of("bbbb", files) == []


async def test_a_change_is_told_within_seconds() -> None:
    clock, files = FakeClock(), Files()
    watch = FileWatch(lambda: files.content, lambda: files.read, files.changed, clock)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run(lambda: None))
        await clock.until_somebody_sleeps()
        files.content = "b"
        for seconds in (WATCH_SECONDS, SETTLE_SECONDS):
            await clock.advance(seconds)
            await clock.until_somebody_sleeps()
        task.cancel()
    assert files.told == ["b"]
