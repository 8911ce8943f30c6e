"""What is known of each span besides its head: what its wanted attributes are, its status, its flags, its query."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Wanted, status_code_of
from sidecar.codec.otlp.keys import KeyFinder, keyed
from sidecar.codec.otlp.lockstep import LATE_TAG, Fields, Lockstep
from sidecar.codec.otlp.meanings import NEW_TEXT, NOTHING, OLD_TEXT, ROLE, Meanings
from sidecar.codec.otlp.parsed import SHORT_BYTES
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES
from sidecar.codec.otlp.schema import Span
from sidecar.model.span import SpanMessage
from sidecar.model.span_columns import Places, Words

Fact: TypeAlias = tuple[int, int, bytes | None]

_ATTRIBUTE, _STATUS = 0x4A, 0x7A
"""Tags of fields of a span."""
_CODE = 0x18
"""The tag of Status.code, which is all that most have."""
_64_BITS = (1 << 64) - 1


_OF_STATUS = keyed("status")
_FACTORS = np.array([keyed(f"attribute {place}") for place in range(SHORT_BYTES // 2)])
"""By place among the wanted attributes of a span; a short one has fewer, and of a long one 256 are looked at."""
_FACTORS_OF_ONE = _FACTORS.tolist()


class Facts(NamedTuple):
    """What is known of spans, as columns.

    `identity` is the same for two spans of a side if their wanted attributes, in their order, and their status codes
    are. For others it differs but with a probability of 2^-62: it is a sum of hashes, keyed anew in each process, each
    times an odd number of that place, which is a hash itself. `status` is the code. `text` is the attribute, in wire
    form, with the text of a query, or None.
    """

    identity: Words
    status: NDArray[np.int64]
    text: NDArray[np.object_]

    @classmethod
    def none(cls, count: int) -> "Facts":
        """Return those of `count` spans that say nothing."""
        return cls(np.zeros(count, np.uint64), np.zeros(count, np.int64), np.full(count, None, np.object_))

    def part(self, first: int, last: int) -> "Facts":
        """Return those of the spans from `first` to before `last`."""
        return Facts(self.identity[first:last], self.status[first:last], self.text[first:last])

    def put(self, place: int, fact: Fact) -> None:
        """Set those of the span at `place`."""
        self.identity[place], self.status[place], self.text[place] = fact


class Side:
    """What is looked at in spans that are on one side of a call: their `wanted` attributes."""

    def __init__(self, keys: Collection[str], wanted: Wanted) -> None:
        self.keys = keys
        self.meanings = Meanings(wanted)
        self._wanted = wanted

    def fact_of(self, span: SpanMessage, size: int) -> Fact:
        """Return what is known of a span of `size` bytes, as protobuf's own parser reads it."""
        status = status_code_of(span.status)
        identity, rank = status * int(_OF_STATUS), 0
        texts: dict[int, bytes] = {}
        for attribute in _attributes(span, size):
            meaning = self.meanings.of_one(attribute)
            if meaning != NOTHING:
                identity += meaning * _FACTORS_OF_ONE[rank]
                rank += 1
                texts[meaning & ROLE] = attribute
        return identity & _64_BITS, status, texts.get(NEW_TEXT) or texts.get(OLD_TEXT)

    def wanted_in(self, raw: bytes) -> list[bytes]:
        """Return the wanted attributes of a span in their order, in wire form and shortened where they may be."""
        attributes = _attributes(Span.FromString(raw), len(raw))
        return [*filter(None, map(self._wanted.__getitem__, attributes))]


class FactReader:
    """Finds the facts of spans; what their attributes mean depends on which of the `sides` they are on."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self._sides = sides
        self._finder = KeyFinder([side.keys for side in sides])

    def read(self, data: bytes, walk: Lockstep, fields: Fields, side_of: Places) -> Facts:
        """Return what `fields` say of the spans of a walk over `data`, each of which is on a side."""
        facts = Facts.none(len(side_of))
        facts.status[:] = _status_codes(data, walk, fields.with_tag(_STATUS), len(side_of))
        facts.identity[:] = facts.status.astype(np.uint64) * _OF_STATUS
        attributes = self._wanted(walk, fields.with_tag(_ATTRIBUTE), side_of)
        begins, ends = attributes.begin.tolist(), attributes.end.tolist()
        raw = [data[begin:end] for begin, end in zip(begins, ends, strict=True)]
        meanings = self._meanings_of(raw, side_of[attributes.of])
        wanted = (meanings != NOTHING).nonzero()[0]
        _add_identities(facts, attributes.of[wanted], meanings[wanted])
        roles = meanings & ROLE
        for role in (OLD_TEXT, NEW_TEXT):  # what comes later goes before: the new name, and the last of each
            having = (roles == role).nonzero()[0]
            for of, place in zip(attributes.of[having].tolist(), having.tolist(), strict=True):
                facts.text[of] = raw[place]
        return facts

    def _wanted(self, walk: Lockstep, attributes: Fields, side_of: Places) -> Fields:
        """Return those that may be wanted, by side, and those of one span in their order one after the other."""
        may_be = (self._finder.sides_of(walk.all_words, attributes.begin) >> side_of[attributes.of] & 1).nonzero()[0]
        of = attributes.of[may_be]
        order = np.argsort(side_of[of] * len(side_of) + of, kind="stable")
        return attributes.at(may_be[order])

    def _meanings_of(self, attributes: Sequence[bytes], side_of: Places) -> Places:
        """Return what attributes mean that are given by side."""
        firsts = np.searchsorted(side_of, range(len(self._sides) + 1)).tolist()
        parts = zip(self._sides, pairwise(firsts), strict=True)
        return np.concatenate([side.meanings.of(attributes[first:last]) for side, (first, last) in parts])


def _add_identities(facts: Facts, of: Places, meanings: Places) -> None:
    """Add what wanted attributes mean to the identities of the spans that they are of; those of one stand together."""
    if not len(of):
        return
    firsts = np.flatnonzero(np.diff(of, prepend=-1))
    ranks = np.arange(len(of)) - np.repeat(firsts, np.diff(firsts, append=len(of)))
    facts.identity[of[firsts]] += np.add.reduceat(meanings.view(np.uint64) * _FACTORS[ranks], firsts)


def flags_of(walk: Lockstep, fields: Fields, count: int) -> NDArray[np.uint32]:
    """Return the flags of so many spans, 0 where there are none."""
    found = fields.with_tag(LATE_TAG)
    flags = np.zeros(count, np.uint32)
    flags[found.of] = walk.all_words[found.begin].astype(np.uint32)
    return flags


def _status_codes(data: bytes, walk: Lockstep, found: Fields, count: int) -> NDArray[np.int64]:
    codes = np.zeros(count, np.int64)
    octets = walk.all_words[found.begin].view(np.uint8).reshape(-1, 8)
    length = found.end - found.begin
    is_usual = (length == 2) & (octets[:, 0] == _CODE) & (octets[:, 1] < 0x80)
    read = octets[:, 1] * is_usual.astype(np.int64)
    for place in (~is_usual & (length > 0)).nonzero()[0].tolist():
        read[place] = status_code_of(data[found.begin[place] : found.end[place]])
    codes[found.of] = read
    return codes


def _attributes(span: SpanMessage, size: int) -> Sequence[bytes]:
    attributes = [*span.attributes]
    return attributes if size <= SHORT_BYTES else attributes[:MOST_ATTRIBUTES]
