"""What the attributes of spans mean for who tells spans apart, as numbers: one look-up for each, by its bytes."""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from sidecar.codec.otlp.attributes import Wanted
from sidecar.codec.otlp.lately import Lately
from sidecar.model.span_columns import Places

OLD_TEXT, NEW_TEXT = 1, 2
"""Roles of attributes with the text of a query: the new name goes before the old one."""
ROLE = 3
"""Bits of a meaning that are its role, 0 where it has none."""
NOTHING = 3
"""The meaning of what is not wanted after all."""
_UNKNOWN = 7
_ROLES = {b"db.query.text": NEW_TEXT, b"db.statement": OLD_TEXT}
_REMEMBERED_BYTES = 4 << 10
_ALL_REMEMBERED_BYTES = 4 << 20
_ENTRY_BYTES = 150
"""What is remembered of an attribute besides its bytes."""


class Meanings:
    """Meanings of attributes in wire form by what is `wanted` of them.

    A meaning is 62 bits of a hash, keyed anew in each process, and below them the role. An attribute is remembered from
    the second time on that it comes. Bounded: when there are too many,
    all are forgotten.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._known: dict[bytes, int] = {}
        self._bytes = 0
        self._lately = Lately()

    def of(self, attributes: Sequence[bytes]) -> Places:
        """Return the meaning of each."""
        meanings = np.fromiter(map(self._known.get, attributes, repeat(_UNKNOWN)), np.int64, len(attributes))
        for place in (meanings == _UNKNOWN).nonzero()[0].tolist():
            meanings[place] = self.of_one(attributes[place])
        return meanings

    def of_one(self, attribute: bytes) -> int:
        """Return the meaning of one."""
        known = self._known.get(attribute)
        return self._look_at(attribute) if known is None else known

    def _look_at(self, attribute: bytes) -> int:
        wanted = self._wanted[attribute]
        meaning = NOTHING if wanted is None else hash(wanted) & ~ROLE | _ROLES.get(attribute[2 : 2 + attribute[1]], 0)
        if self._lately.came(attribute) and len(attribute) <= _REMEMBERED_BYTES:
            self._remember(attribute, meaning)
        return meaning

    def _remember(self, attribute: bytes, meaning: int) -> None:
        self._bytes += len(attribute) + _ENTRY_BYTES
        if self._bytes > _ALL_REMEMBERED_BYTES:
            self._known.clear()
            self._bytes = len(attribute) + _ENTRY_BYTES
        self._known[attribute] = meaning
