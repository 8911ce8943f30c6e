"""Spans as the window keeps them: a row each, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import text_of
from sidecar.spans.shape import SpanShape

Places: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Words: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
Objects: TypeAlias = NDArray[np.object_]
What: TypeAlias = SpanShape | bytes
"""What a span is: its shape, or the name of one that has none."""

NO = -1
"""Stands for a place that is none."""
WORK_OF_FAILURE = 40
"""A failed span is as much work to judge as so many others."""


@dataclass(slots=True)
class SpanRows:
    """Rows of spans; `slot` is that of the trace, NO of one that is in none. An id of 0 is none.

    `is_root` says whether the span is the first of its trace in its process, `is_call` whether `query` has what it
    asked a database. Spans of one instrumentation have one `scope`. `fails` and `weight` are those of observed spans.
    `failure` has the span itself when it failed.
    """

    slot: Places
    span_id: Words
    parent_id: Words
    start_nano: Words
    seconds: Floats
    weight: Floats
    kind: NDArray[np.uint8]
    is_root: Bools
    is_call: Bools
    scope: Places
    fails: Bools
    what: Objects
    service: Objects
    query: Objects
    failure: Objects

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.slot)

    def take(self, places: Places | Bools) -> "SpanRows":
        """Return some of the rows."""
        return SpanRows(*(getattr(self, column)[places] for column in _COLUMNS))

    @property
    def work(self) -> Places:
        """How much work each is to judge: of one that did not fail 1."""
        return np.where(self.fails, WORK_OF_FAILURE, 1)

    @property
    def failure_bytes(self) -> int:
        """How many bytes the failed spans take."""
        return sum(failed.size for failed in self.failure[self.fails].tolist())

    @staticmethod
    def joined(parts: Sequence["SpanRows"]) -> "SpanRows":
        """Return the rows of all `parts`, of which there is one at least."""
        if len(parts) == 1:
            return parts[0]
        return SpanRows(*(np.concatenate([getattr(part, column) for part in parts]) for column in _COLUMNS))


_COLUMNS = tuple(field.name for field in fields(SpanRows))


def name_of(what: What) -> str:
    """Return the name of a span."""
    return text_of(what) if isinstance(what, bytes) else what.name
