"""Spans as columns: what is asked of every span, without an object for each."""

from dataclasses import dataclass, fields
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.int64]


class Source(NamedTuple):
    """The resource and the scope of some spans, in wire form."""

    resource: bytes
    scope: bytes

    @property
    def bytes(self) -> int:
        """How long both are."""
        return len(self.resource) + len(self.scope)


@dataclass(slots=True, eq=False)
class SpanColumns:
    """Spans of several requests as columns; span i is `data[starts[i]:ends[i]]` in wire form.

    Ids are the words that their bytes are with the lowest byte first, and 0 where a span has none: it is absent, zero,
    or of another length. An id of a trace is two words, of which one may be 0. A `kind` outside the enumeration is 0,
    and so are `flags` that are absent. The name of a span is `data[name_at[i]:name_end[i]]`. `weights` says how many
    spans each stands for because it was sampled; None where each stands for itself. Span i is of
    `sources[source_of[i]]`.
    """

    received_at: float
    data: bytes
    starts: Places
    ends: Places
    trace_high: Words
    trace_low: Words
    span_id: Words
    parent_id: Words
    start_nano: Words
    end_nano: Words
    kind: NDArray[np.uint8]
    flags: NDArray[np.uint32]
    name_at: Places
    name_end: Places
    weights: NDArray[np.float64] | None
    sources: list[Source]
    source_of: Places

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.starts)

    def raw(self, place: int) -> bytes:
        """Return the span at `place` in wire form."""
        return self.data[self.starts[place] : self.ends[place]]

    def trace_id(self, place: int) -> bytes:
        """Return the id of the trace that the span at `place` is of; nothing if it is of none."""
        high, low = int(self.trace_high[place]), int(self.trace_low[place])
        return (high | low << 64).to_bytes(16, "little") if high or low else b""

    def trace_ids(self, places: Places) -> list[bytes]:
        """Return the ids of the traces that the spans at `places` are of; zeros if one is of none."""
        words = np.stack((self.trace_high[places], self.trace_low[places]), axis=1)
        ids: list[bytes] = words.astype("<u8").view("V16").ravel().tolist()
        return ids

    def id_of(self, place: int) -> bytes:
        """Return the id of the span at `place`; nothing if it has none."""
        return id_bytes(int(self.span_id[place]))

    def names(self, places: Places) -> list[bytes]:
        """Return the names of the spans at `places`."""
        data, begins, ends = self.data, self.name_at[places].tolist(), self.name_end[places].tolist()
        return [data[begin:end] for begin, end in zip(begins, ends, strict=True)]

    def by_trace(self) -> tuple[Places, list[tuple[bytes, int, int]]]:
        """Return the places of all spans, those of a trace together, and where in these each trace begins.

        Of each trace, the first one that came first, there are its id, zeros if it is none, the begin, and how many
        spans it has.
        """
        order = np.lexsort((self.trace_low, self.trace_high))
        high, low = self.trace_high[order], self.trace_low[order]
        begins = np.concatenate(([0], ((high[1:] != high[:-1]) | (low[1:] != low[:-1])).nonzero()[0] + 1))
        counts = np.diff(begins, append=len(order))
        as_came = np.argsort(order[begins])
        begins, counts = begins[as_came], counts[as_came]
        return order, [*zip(self.trace_ids(order[begins]), begins.tolist(), counts.tolist(), strict=True)]

    def part(self, first: int, last: int) -> "SpanColumns":
        """Return the spans from `first` to before `last`; they share their bytes with all."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        cut = {name: column[first:last] for name, column in columns.items() if isinstance(column, np.ndarray)}
        return SpanColumns(**{**columns, **cut})


def id_bytes(word: int) -> bytes:
    """Return the id of a span as it was sent; nothing of 0, which is none."""
    return word.to_bytes(8, "little") if word else b""


def _no_spans() -> SpanColumns:
    places, words = np.zeros(0, np.int64), np.zeros(0, np.uint64)
    kind, flags = np.zeros(0, np.uint8), np.zeros(0, np.uint32)
    ids = words, words, words, words
    return SpanColumns(0.0, b"", places, places, *ids, words, words, kind, flags, places, places, None, [], places)


NO_SPANS = _no_spans()
