"""The fields of many messages at once, in wire form: a walk that takes a step in all of them together.

A step is some twenty operations on columns, whose entries are the messages: for a thousand messages 30 ns each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.wire import FIXED32, FIXED64, LENGTH_DELIMITED, VARINT
from sidecar.model.span_columns import Places, Words

Bools = NDArray[np.bool_]
Octets = NDArray[np.uint8]

PADDING = bytes(32)
"""So that looking at the next bytes ends within them, wherever a message ends."""
MOST_STEPS = 64
FEW = 5
"""A step costs as much for a few messages as to have protobuf's parser read them."""
LATE_TAG = 0x85
"""Stands for the tag of field 16, fixed 32, the only one of two bytes that is read here."""
_LONG = 0x7F
"""The largest number that is written as one byte."""
_BYTE = np.uint64(0xFF)


class Fields(NamedTuple):
    """Fields of messages: which message each is of, its tag, and where its content begins and ends.

    Those of one message are in their order.
    """

    of: Places
    tag: Octets
    begin: Places
    end: Places

    def with_tag(self, tag: int) -> "Fields":
        """Return those with this tag."""
        return self.at((self.tag == tag).nonzero()[0])

    def at(self, places: Places) -> "Fields":
        """Return those at `places`."""
        return Fields(self.of[places], self.tag[places], self.begin[places], self.end[places])


class Lockstep:
    """Where the walk is in each of the messages `data[starts[i]:ends[i]]`; `odd` are those that it cannot read.

    `data` ends with PADDING; `all_words` has the eight bytes at each of its bytes, the lowest first.
    """

    def __init__(self, data: bytes, starts: Places, ends: Places) -> None:
        self.odd: Bools = np.zeros(len(starts), np.bool_)
        self.all_words: Words = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))  # one at each byte
        self._at = starts
        self._ends = ends
        self._last = len(data) - len(PADDING)

    def delimited(self, tag: int) -> tuple[Places, Places]:
        """Pass a field of bytes; return where its content begins and ends, nothing where there is none."""
        word = self.all_words[self._at]
        has = word & _BYTE == tag
        if not has.any():
            return self._at, self._at
        length = (word >> 8 & _BYTE).astype(np.int64) * has
        begin = self._at + 2 * has
        long = length > _LONG
        if long.any():
            more = (word >> 16 & _BYTE).astype(np.int64)
            self.odd |= long & (more > _LONG)
            length = np.where(long, length & _LONG | more << 7, length)
            begin = begin + long
        end = begin + length
        self._go(end)
        return begin, end

    def sized(self, tag: int, size: int) -> tuple[Places, Places]:
        """Pass a field of `size` bytes; return where they begin and end, nothing where there is none."""
        has = self.all_words[self._at] & _BYTE == tag
        begin = self._at + has
        end = begin + size * has
        self._go(end)
        return begin, end

    def words(self, at: Places, has: Bools) -> Words:
        """Return the eight bytes at `at`, the lowest first, 0 where there is no such field."""
        words: Words = self.all_words[at * has] * has
        return words

    def rest(self) -> Fields:
        """Return all fields that were not passed, in whatever order; a message that is odd has none or some of them."""
        steps: list[Fields] = []
        of = (~self.odd & (self._at < self._ends)).nonzero()[0]
        at, ends = self._at[of], self._ends[of]
        while len(of) > FEW and len(steps) < MOST_STEPS:
            tag, begin, end = self._step(at)
            fields = Fields(of, tag, begin, end)
            is_read = end <= ends
            if not is_read.all():
                self.odd[of[~is_read]] = True
                fields = fields.at(is_read.nonzero()[0])
            steps.append(fields)
            at, go_on = end, (end < ends).nonzero()[0]
            if len(go_on) < len(of):
                of, at, ends = of[go_on], at[go_on], ends[go_on]
        self.odd[of] = True
        if not steps:
            return Fields(of[:0], np.zeros(0, np.uint8), at[:0], at[:0])
        of, tag, begin, end = (np.concatenate(columns) for columns in zip(*steps, strict=True))
        return Fields(of, tag, begin, end)

    def _step(self, at: Places) -> tuple[Octets, Places, Places]:
        """Return the tag at each place, and where the content begins and ends: beyond everything if it is not read."""
        octets: Octets = self.all_words[at].view(np.uint8).reshape(-1, 8)
        tag, second = octets[:, 0], octets[:, 1]
        begin = at + 2
        end = begin + second
        long = (second > _LONG).nonzero()[0]
        if len(long):
            third = octets[long, 2].astype(np.int64)
            begin[long] += 1
            end[long] += (third << 7) - _LONG + _BEYOND * (third > _LONG)
        others = (tag & 0x87 != LENGTH_DELIMITED).nonzero()[0]
        if len(others):
            of_tag, following = tag[others], second[others]
            begin[others] = at[others] + _BEFORE[of_tag]
            can_read = (following >= _LEAST[of_tag]) & (following <= _MOST[of_tag])
            end[others] = begin[others] + _SIZE[of_tag] + _BEYOND * ~can_read
        return tag, begin, end

    def _go(self, at: Places) -> None:
        self.odd |= at > self._ends
        self._at = np.minimum(at, self._last)


_BEYOND = 1 << 40
_TAGS = np.arange(256)
_WIRE_TYPES = _TAGS & 7
_BEFORE = np.where(_TAGS == LATE_TAG, 2, 1)
_SIZE = np.select([_WIRE_TYPES == VARINT, _WIRE_TYPES == FIXED64, _WIRE_TYPES == FIXED32], [1, 8, 4], _BEYOND)
_SIZE[(_TAGS < 8) | (_TAGS > _LONG) & (_TAGS != LATE_TAG)] = _BEYOND
_LEAST = np.where(_TAGS == LATE_TAG, 1, 0)
_MOST = np.select([_TAGS == LATE_TAG, _WIRE_TYPES == VARINT], [1, _LONG], 0xFF)
"""By the tag of a field that is not delimited: what is before its content and how long that is, and between which
values the byte after the first must be."""
