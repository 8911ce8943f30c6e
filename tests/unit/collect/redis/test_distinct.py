"""Counting in steps."""

import asyncio

from sidecar.collect.redis.distinct import FORGOTTEN_AT_ONCE, Distinct


async def test_equal_items_count_once() -> None:
    seen = Distinct()
    seen.add([b"a", b"b", (0, b"a")])
    seen.add([b"b", (0, b"a"), (1, b"a")])
    assert await seen.total() == 4


async def test_others_run_while_many_are_forgotten() -> None:
    seen = Distinct()
    seen.add(range(3 * FORGOTTEN_AT_ONCE))
    turns: list[int] = []

    async def turn() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        other = group.create_task(turn())
        assert await seen.total() == 3 * FORGOTTEN_AT_ONCE
        other.cancel()
    assert len(turns) >= 2
