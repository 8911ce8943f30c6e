"""Finding the few attributes that somebody wants among very many, by their keys, all at once."""

from collections.abc import Collection, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from sidecar.model.span_columns import Places, Words

_KEY = 0x0A
"""The tag of KeyValue.key, which stands first as every encoder writes it; the length of the key follows on it."""
_BEFORE = 2
_FIRST, _LAST = 6, 8
"""Bytes of a key that are looked at: the first ones, and of keys that have so many, the last ones."""
_LONGEST = 0x7F
_BYTE = np.uint64(0xFF)
_MASKS = np.array([(1 << 8 * (_BEFORE + min(length, _FIRST))) - 1 for length in range(256)], np.uint64)


def keyed(text: str) -> np.uint64:
    """Return an odd number for `text` that nobody outside of this process can know."""
    return np.uint64(hash(f"identity {text}".encode()) & 0xFFFFFFFFFFFFFFFF | 1)


class KeyFinder:
    """Tells which attributes may have one of some keys, each a set of `sides`: a number with a bit for each of these.

    It tells by length, first and last bytes, so of some attributes with other keys it says the same.
    """

    def __init__(self, sides: Sequence[Collection[str]]) -> None:
        keys: dict[bytes, int] = {}
        for side, names in enumerate(sides):
            for key in (name.encode() for name in names):
                keys[key] = keys.get(key, 0) | 1 << side
        self._bits = 2 * len(keys).bit_length() + 1
        known = {key: bits for key, bits in keys.items() if len(key) <= _LONGEST}
        marks, slots = self._places_for(known)
        self._mark = np.zeros(1 << self._bits, np.uint64)
        self._sides = np.zeros(1 << self._bits, np.uint8)
        self._mark[slots] = marks
        np.bitwise_or.at(self._sides, slots, np.array([*known.values()], np.uint8))

    def sides_of(self, words: Words, begins: Places) -> NDArray[np.uint8]:
        """Return the sides of the attributes that begin at `begins`; `words` has one of eight bytes at each byte."""
        marks = self._marks(words, begins)
        slots = marks >> (64 - self._bits)
        sides: NDArray[np.uint8] = self._sides[slots] * (self._mark[slots] == marks)
        return sides

    def _places_for(self, keys: Collection[bytes]) -> tuple[Words, Places]:
        """Choose factors that give keys with different marks different places; return both of each key."""
        for number in count():
            self._first, self._last = keyed(f"first {number}"), keyed(f"last {number}")
            marks = self._marks(*_beginnings(keys))
            slots = (marks >> (64 - self._bits)).astype(np.int64)
            if len(set(slots.tolist())) == len(set(marks.tolist())):
                return marks, slots
        raise AssertionError("numbers end")

    def _marks(self, words: Words, begins: Places) -> Words:
        first = words[begins]
        length = (first >> 8 & _BYTE).astype(np.int64)
        is_long = length >= _LAST
        at = (begins + (_BEFORE - _LAST) + length) * is_long
        last = words[np.minimum(at, len(words) - 1)] * is_long
        marks: Words = (first & _MASKS[length]) * self._first + last * self._last
        return marks


def _beginnings(keys: Collection[bytes]) -> tuple[Words, Places]:
    """Return the words of attributes with these keys, one after the other, and where each begins."""
    attributes = [bytes((_KEY, len(key))) + key + bytes(8) for key in keys]
    data = b"".join([*attributes, bytes(8)])
    ends = np.cumsum([*map(len, attributes)], dtype=np.int64)
    begins = ends - np.array([*map(len, attributes)], np.int64)
    return np.ndarray((len(data) - 7,), "<u8", data, strides=(1,)), begins
