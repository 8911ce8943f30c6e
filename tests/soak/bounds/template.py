"""Requests that differ in numbers only, made as fast as they are to be sent."""

from itertools import chain, repeat
from typing import Any

PLACE = "@@@@@@@"
"""Stands for the number in texts and ids of a message."""


class Template:
    """A request of several equal items, each with PLACE in it equally often."""

    def __init__(self, message: Any, items: int) -> None:
        self.items = items
        self._pieces = message.SerializeToString().split(PLACE.encode())
        self._places = (len(self._pieces) - 1) // items

    def filled(self, first: int) -> bytes:
        """Return the request with the numbers from `first` on in its items."""
        numbers = [b"%07d" % number for number in range(first, first + self.items)]
        filled = chain.from_iterable(repeat(number, self._places) for number in numbers)
        return b"".join(chain.from_iterable(zip(self._pieces, chain(filled, (b"",)), strict=True)))
