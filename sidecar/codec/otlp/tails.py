"""What follows on the times in spans, their *tails*: attributes, events, links, status and flags.

Tails come again and again, so one that was seen twice is known by its bytes. The others are parsed all at once, as ONE
message whose fields are all repeated: protobuf puts the fields of messages that stand one after the other together,
and marks that stand between the tails, which no sender can guess, tell which belong to which.
"""

from collections.abc import Sequence
from itertools import compress, repeat
from operator import is_not
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Wanted, status_code_of
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES
from sidecar.codec.otlp.schema import Span, SpanTails, SpanTailsMessage
from sidecar.codec.otlp.wire import delimited
from sidecar.model.span import SpanMessage

Facts: TypeAlias = NDArray[np.void]
Fact: TypeAlias = tuple[int, int, int, bool, bytes | None]

FACTS = np.dtype(
    [("identity", np.uint64), ("status", np.int64), ("flags", np.uint32), ("is_plain", np.bool_), ("text", np.object_)]
)
"""What is known of a tail.

`identity` is the same for two tails if their wanted attributes, in their order, and their status codes are. For others
it differs but with a probability of 2^-64: it is a sum of hashes of 64 bits, keyed anew in each process, each times an
odd number of that place, which is a hash itself. `status` is the code. `text` is the attribute, in wire form, with the
text of a query, or None. `is_plain` is false where the tail has a field that should stand before it, or may have one
that is written as no encoder does: then nothing else of it is known.
"""

SHORT_BYTES = 2 << 10
"""A tail up to this long is taken as it is: it has no room for so many attributes that they cost."""
_REMEMBERED_BYTES = 1 << 10
"""A longer tail is not remembered: it has a stack trace or a text of its own."""
_ALL_REMEMBERED_BYTES = 6 << 20
_ROW_BYTES = 200
"""What is remembered of a tail besides its bytes."""
_SLOTS = 1 << 15
_TEXTS = 4096
_NEW_TEXT, _OLD_TEXT = b"db.query.text", b"db.statement"
_KEY = 0x0A
"""The tag of KeyValue.key."""
_NEW, _OLD = 2, 1
"""Roles of attributes with the text of a query: the new name goes before the old one."""
_STATUS_CODES = {b"": 0, b"\x18\x01": 1, b"\x18\x02": 2}
"""The status messages without a description, which are nearly all."""
_PACKED = (b"\x82\x01", b"\x82\x81")
"""How the tag of packed `flags` begins, in its spellings."""
MOST_ALONE = 100
"""Tails that are looked at one by one in a step: 5 us each, and 15 more to write their spans anew."""


def keyed(text: str) -> np.uint64:
    """Return an odd number for `text` that nobody outside of this process can know."""
    return np.uint64(hash(f"identity {text}".encode()) & 0xFFFFFFFFFFFFFFFF | 1)


_64_BITS = (1 << 64) - 1
_MARK = b"".join(int(keyed(f"mark {part}")).to_bytes(8, "little") for part in "ab")
_MARK_FLAGS = int(keyed("flags")) & 0xFFFFFFFF
_BETWEEN = delimited(b"\x4a", _MARK) + delimited(b"\x7a", _MARK) + b"\x85\x01" + _MARK_FLAGS.to_bytes(4, "little")
_STATUS = keyed("status")
_FACTORS = np.array([keyed(f"attribute {place}") for place in range(SHORT_BYTES // 2)])
"""By place among the wanted attributes of a tail; a short one has fewer, and of a long one 256 are looked at."""

_FACTORS_OF_ONE = _FACTORS.tolist()


class Tails:
    """Knows tails of spans that their `wanted` attributes tell apart; what it remembers is bounded."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._roles = _TextRoles()
        self._rows: dict[bytes, int] = {}
        self._facts = _unknown(1024)
        self._bytes = 0
        self._seen = np.zeros(_SLOTS, np.int64)

    def facts_of(self, tails: Sequence[bytes]) -> Facts | None:
        """Return what is known of each; None if too many, more than MOST_ALONE, had to be looked at one by one."""
        rows = np.fromiter(map(self._rows.get, tails, repeat(-1)), np.int64, len(tails))
        facts = self._facts[rows]
        missing = (rows < 0).nonzero()[0]
        if len(missing):
            new = [tails[place] for place in missing.tolist()]
            read = self._read(new)
            if read is None:
                return None
            facts[missing] = read
            self._remember(new, read)
        return facts

    def read_one(self, tail: bytes) -> Fact:
        """Return what protobuf's own parser says of `tail`, whatever is in it."""
        span = Span.FromString(tail)
        status = status_code_of(span.status)
        identity, rank = status * int(_STATUS), 0
        texts: dict[int, bytes] = {}
        for attribute in _attributes(span, tail):
            wanted = self._wanted[attribute]
            if wanted is not None:
                identity += hash(wanted) * _FACTORS_OF_ONE[rank]
                rank += 1
                texts[self._roles[wanted]] = attribute
        return identity & _64_BITS, status, span.flags, True, texts.get(_NEW) or texts.get(_OLD)

    def wanted_in(self, tail: bytes) -> list[bytes]:
        """Return the wanted attributes of `tail` in their order, in wire form and shortened where they may be."""
        return [*filter(None, map(self._wanted.__getitem__, _attributes(Span.FromString(tail), tail)))]

    def _read(self, tails: Sequence[bytes]) -> Facts | None:
        facts = _unknown(len(tails))
        alone: Sequence[int] = _unusual(tails)
        usual = np.ones(len(tails), np.bool_)
        usual[alone] = False
        together = self._read_together([*compress(tails, usual)])
        if together is None:
            alone = range(len(tails))
        else:
            facts[usual] = together
        if len(alone) > MOST_ALONE:
            return None
        for place in alone:
            if not _has_head(SpanTails.FromString(tails[place])):
                facts[place] = self.read_one(tails[place])
        return facts

    def _read_together(self, tails: Sequence[bytes]) -> Facts | None:
        """Return what is known of short tails without packed flags; None if one of them is not plain."""
        if not tails:
            return _unknown(0)
        message = SpanTails.FromString(_BETWEEN + _BETWEEN.join(tails))
        flags = np.array(message.flags, np.uint32)
        if _has_head(message) or np.count_nonzero(flags == _MARK_FLAGS) != len(tails):
            return None
        facts = _unknown(len(tails))
        facts["is_plain"] = True
        facts["flags"] = _last_of_each(flags, np.uint32(_MARK_FLAGS))
        facts["status"] = _last_of_each(np.array([*map(_status_code, message.status)]), _MARK_STATUS)
        attributes = [*message.attributes]
        begins = np.fromiter(map(_MARK.__eq__, attributes), np.bool_, len(attributes)).nonzero()[0]
        facts["identity"] = _status_part(facts["status"])
        self._add_attributes(facts, attributes, begins)
        return facts

    def _add_attributes(self, facts: Facts, attributes: Sequence[bytes], begins: NDArray[np.int64]) -> None:
        found = [*map(self._wanted.__getitem__, attributes)]
        is_wanted = [*map(is_not, found, repeat(None))]
        wanted = np.array(is_wanted, np.bool_).nonzero()[0]
        if not len(wanted):
            return
        of = np.searchsorted(begins, wanted, "right") - 1
        kept = cast("list[bytes]", [*compress(found, is_wanted)])
        hashes = np.fromiter(map(hash, kept), np.int64, len(kept)).view(np.uint64)
        firsts = np.flatnonzero(np.diff(of, prepend=-1))
        ranks = np.arange(len(of)) - np.repeat(firsts, np.diff(firsts, append=len(of)))
        facts["identity"][of[firsts]] += np.add.reduceat(hashes * _FACTORS[ranks], firsts)
        roles = np.fromiter(map(self._roles.__getitem__, kept), np.int8, len(kept))
        texts = facts["text"]
        for role in (_OLD, _NEW):  # what comes later goes before: the new name, and the last of each
            having = (roles == role).nonzero()[0]
            for tail, place in zip(of[having].tolist(), wanted[having].tolist(), strict=True):
                texts[tail] = attributes[place]

    def _remember(self, tails: Sequence[bytes], facts: Facts) -> None:
        """Remember tails from the second time on that they come; those that never do cost a slot for a while."""
        hashes = np.fromiter(map(hash, tails), np.int64, len(tails))
        slots = hashes & _SLOTS - 1
        again = ((self._seen[slots] == hashes) & facts["is_plain"]).nonzero()[0]
        self._seen[slots] = hashes
        for place in again.tolist():
            tail = tails[place]
            if len(tail) <= _REMEMBERED_BYTES and tail not in self._rows:  # it may be here twice
                self._remember_one(tail, facts[place])

    def _remember_one(self, tail: bytes, fact: np.void) -> None:
        self._bytes += len(tail) + _ROW_BYTES
        if self._bytes > _ALL_REMEMBERED_BYTES:
            self._rows.clear()
            self._bytes = len(tail) + _ROW_BYTES
        row = len(self._rows)
        if row >= len(self._facts):
            self._facts = np.concatenate([self._facts, _unknown(row)])
        self._facts[row] = fact
        self._rows[tail] = row


class _TextRoles(dict[bytes, int]):
    """The roles of wanted attributes; 0 for those that are no text of a query."""

    def __missing__(self, wanted: bytes) -> int:
        key = wanted[2 : 2 + wanted[1]] if len(wanted) > 1 and wanted[0] == _KEY else b""
        role = _NEW if key == _NEW_TEXT else _OLD if key == _OLD_TEXT else 0
        if len(wanted) <= _REMEMBERED_BYTES:
            if len(self) >= _TEXTS:
                self.clear()
            self[wanted] = role
        return role


_MARK_STATUS = -(1 << 40)
"""What stands for the mark among status codes, which have 32 bits."""


def _unknown(count: int) -> Facts:
    facts = np.zeros(count, FACTS)
    facts["text"] = None
    return facts


def _has_head(message: SpanTailsMessage) -> bool:
    """Return whether there is a field that stands before the attributes, even one that says nothing."""
    ids = message.trace_id or message.span_id or message.trace_state or message.parent_span_id or message.name
    return bool(ids or message.kind or message.start_time_unix_nano or message.end_time_unix_nano)


def _status_code(status: bytes) -> int:
    code = _STATUS_CODES.get(status)
    if code is not None:
        return code
    return _MARK_STATUS if status == _MARK else status_code_of(status)


def _status_part(codes: NDArray[np.int64]) -> NDArray[np.uint64]:
    return codes.astype(np.uint64) * _STATUS


def _last_of_each(values: NDArray[Any], mark: Any) -> NDArray[Any]:
    """Return the last value after each mark, 0 where there is none."""
    begins = (values == mark).nonzero()[0]
    lasts = np.append(begins[1:], len(values)) - 1
    return np.where(lasts == begins, np.zeros(1, values.dtype), values[lasts])


def _unusual(tails: Sequence[bytes]) -> list[int]:
    """Return the places of tails that are long, or may have packed flags: somewhere in them is the tag.

    A parser of repeated fields would take packed flags for flags, to one of single fields they are unknown.
    """
    return [
        place for place, tail in enumerate(tails) if len(tail) > SHORT_BYTES or _PACKED[0] in tail or _PACKED[1] in tail
    ]


def _attributes(span: SpanMessage, tail: bytes) -> Sequence[bytes]:
    attributes = [*span.attributes]
    return attributes if len(tail) <= SHORT_BYTES else attributes[:MOST_ATTRIBUTES]
