"""A bounded queue between what must not wait and what may."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """First in, first out; when full, the oldest item makes room and `dropped` is told.

    `put` never waits, so a slow receiver at the far end never slows down the source.
    """

    def __init__(self, capacity: int, dropped: Callable[[int], None]) -> None:
        self.capacity = capacity
        self._dropped = dropped
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Append `item`, dropping the oldest when the queue is full."""
        if len(self._items) >= self.capacity:
            self._items.popleft()
            self._dropped(1)
        self._items.append(item)
        self._filled.set()

    async def take(self, most: int) -> list[T]:
        """Wait for at least one item and return up to `most` of the oldest."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        return [self._items.popleft() for _ in range(min(most, len(self._items)))]

    def drain(self) -> list[T]:
        """Return what is left, without waiting."""
        items = list(self._items)
        self._items.clear()
        return items
