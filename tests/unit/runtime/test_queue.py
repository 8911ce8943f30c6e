"""The bounded queue: order, the drop of the oldest, waiting."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from sidecar.runtime.queue import BoundedQueue
from tests.fakes import settle


@given(st.lists(st.integers()), st.integers(1, 5))
def test_what_is_left_plus_what_was_dropped_is_what_was_put_and_the_newest_stay(
    items: list[int], capacity: int
) -> None:
    dropped: list[int] = []
    queue = BoundedQueue[int](capacity, dropped.append)
    for item in items:
        queue.put(item)
    left = queue.drain()
    assert left == items[-capacity:]
    assert len(left) + sum(dropped) == len(items)


async def test_taking_waits_for_the_first_item_and_takes_no_more_than_asked() -> None:
    queue = BoundedQueue[int](10, lambda _: None)
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(queue.take(2))
        await settle()
        assert not taking.done()
        for item in (1, 2, 3):
            queue.put(item)
    assert (taking.result(), len(queue)) == ([1, 2], 1)
