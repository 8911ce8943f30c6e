"""Spans in wire form as columns.

Encoders write fields in the order of their numbers: ids, name, kind and times stand first in a span, its *head*. A walk
in lockstep reads the heads of all spans of a batch at once, field after field; what follows on them is known to
`Tails`. A span that is written in any other way is *odd*: protobuf's own parser reads it, and it is written anew.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.schema import Span
from sidecar.codec.otlp.tails import FACTS, MOST_ALONE, Facts, Tails
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.otlp.wire import delimited
from sidecar.codec.peer.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, span_id_of, trace_id_of
from sidecar.model.span import SpanBatch, SpanKind
from sidecar.model.span_columns import Places, Source, SpanColumns, Words

ODD_SPANS = MOST_ALONE
"""Odd spans that are read in one step."""
_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND, _START, _END = (
    tag[0] for tag in (b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x2a", b"\x30", b"\x39", b"\x41")
)
"""Tags of the fields of a head."""
_HEAD = (
    "trace_id",
    "span_id",
    "trace_state",
    "parent_span_id",
    "name",
    "kind",
    "start_time_unix_nano",
    "end_time_unix_nano",
)
_PADDING = bytes(32)
"""So that looking at the next bytes ends within them, wherever a span ends."""
_BYTE = np.uint64(0xFF)
_LONG = 0x7F
"""The longest that a field is whose length is one byte."""
_OUTGOING = np.isin(np.arange(max(SpanKind) + 1), (SpanKind.CLIENT, SpanKind.PRODUCER))


class ReadSpans(NamedTuple):
    """A batch, its spans as columns, and what is known of the tail of each."""

    batch: SpanBatch
    columns: SpanColumns
    facts: Facts


class SpanReader:
    """Reads spans; what their tails mean depends on which side of a call they are."""

    def __init__(self, incoming: Tails, outgoing: Tails) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def read(self, batch: SpanBatch) -> Iterator[ReadSpans]:
        """Yield the spans of `batch` in their order, in steps of about 5 ms: at once unless many of them are odd.

        They must be valid messages.
        """
        columns, odd = _walked(batch)
        facts = self._facts_of(columns, (~odd).nonzero()[0])
        odd = odd if facts is None else ~facts["is_plain"]
        if facts is None or np.count_nonzero(odd) > ODD_SPANS:
            for part in batch.split(ODD_SPANS):
                yield from self.read(part)
            return
        if odd.any():
            columns = _rewritten(columns, odd)
            for place in odd.nonzero()[0].tolist():
                tail = columns.data[columns.tail_at[place] : columns.ends[place]]
                facts[place] = self.tails_of(columns.kind[place]).read_one(tail)
        columns.flags[:] = facts["flags"]
        yield ReadSpans(batch, columns, facts)

    def tails_of(self, kind: int) -> Tails:
        """Return who knows the tails of spans of this `kind`."""
        return self._outgoing if _OUTGOING[kind] else self._incoming

    def _facts_of(self, columns: SpanColumns, places: Places) -> Facts | None:
        """Return what is known of the spans at `places`, of others nothing; None if that is too much for one step."""
        facts = np.zeros(len(columns), FACTS)
        outgoing = _OUTGOING[columns.kind[places]]
        for tails, of_side in ((self._incoming, places[~outgoing]), (self._outgoing, places[outgoing])):
            found = tails.facts_of(columns.tails(of_side))
            if found is None:
                return None
            facts[of_side] = found
        return facts


class _Walk:
    """Where the walk is in each span; `odd` are those that it cannot read."""

    def __init__(self, data: bytes, starts: Places, ends: Places) -> None:
        octets = np.frombuffer(data, np.uint8)
        self._octets = octets
        self._words: Words = np.ndarray((len(octets) - 7,), "<u8", data, strides=(1,))  # one at each byte
        self._ends = ends
        self._last = len(octets) - len(_PADDING)
        self.at = starts
        self.odd = np.zeros(len(starts), np.bool_)

    def delimited(self, tag: int) -> tuple[Places, Places]:
        """Pass a field of bytes; return where its content begins and ends, nothing where there is none."""
        word = self._words[self.at]
        has = word & _BYTE == tag
        if not has.any():
            return self.at, self.at
        length = (word >> 8 & _BYTE).astype(np.int64) * has
        begin = self.at + 2 * has
        long = length > _LONG
        if long.any():
            more = (word >> 16 & _BYTE).astype(np.int64)
            self.odd |= long & (more > _LONG)
            length = np.where(long, length & _LONG | more << 7, length)
            begin = begin + long
        end = begin + length
        self._go(end)
        return begin, end

    def number(self, tag: int) -> NDArray[np.uint8]:
        """Pass a field of a small number and return it, 0 where there is none."""
        word = self._words[self.at]
        has = word & _BYTE == tag
        value: NDArray[np.uint8] = (word >> 8 & _BYTE).astype(np.uint8) * has
        self.odd |= value > _LONG
        self._go(self.at + 2 * has)
        return value

    def fixed(self, tag: int) -> Words:
        """Pass a field of eight bytes and return it, 0 where there is none."""
        has = self._octets[self.at] == tag
        value = self.words(self.at + 1, has)
        self._go(self.at + 9 * has)
        return value

    def words(self, at: Places, has: NDArray[np.bool_]) -> Words:
        """Return the eight bytes at `at`, the lowest first, 0 where there is no such field."""
        words: Words = self._words[at * has] * has
        return words

    def _go(self, at: Places) -> None:
        self.odd |= at > self._ends
        self.at = np.minimum(at, self._last)


def _walked(batch: SpanBatch) -> tuple[SpanColumns, NDArray[np.bool_]]:
    """Return the spans as far as their heads tell, and which of them are odd."""
    raw = cast("list[bytes]", [*chain.from_iterable(group.held for group in batch.groups)])
    data, starts, ends = _joined(raw)
    walk = _Walk(data, starts, ends)
    trace_at, trace_end = walk.delimited(_TRACE_ID)
    is_trace = trace_end - trace_at == TRACE_ID_BYTES
    span_at, span_end = walk.delimited(_SPAN_ID)
    states = walk.delimited(_TRACE_STATE)
    parent_at, parent_end = walk.delimited(_PARENT_ID)
    name_at, name_end = walk.delimited(_NAME)
    kind = walk.number(_KIND)
    columns = SpanColumns(
        received_at=batch.received_at,
        data=data,
        starts=starts,
        ends=ends,
        trace_high=walk.words(trace_at, is_trace),
        trace_low=walk.words(trace_at + 8, is_trace),
        span_id=walk.words(span_at, span_end - span_at == SPAN_ID_BYTES),
        parent_id=walk.words(parent_at, parent_end - parent_at == SPAN_ID_BYTES),
        kind=np.where(kind > max(SpanKind), np.uint8(0), kind),
        start_nano=walk.fixed(_START),
        end_nano=walk.fixed(_END),
        flags=np.zeros(len(raw), np.uint32),
        name_at=name_at,
        name_end=name_end,
        tail_at=walk.at,
        weights=_weights(data, *states, walk.odd),
        sources=[Source(group.resource, group.scope) for group in batch.groups],
        source_of=np.repeat(
            np.arange(len(batch.groups)), np.array([len(group.held) for group in batch.groups], np.int64)
        ),
    )
    return columns, walk.odd


def _weights(data: bytes, begins: Places, ends: Places, odd: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    stated = ((ends > begins) & ~odd).nonzero()[0]
    if not len(stated):
        return None
    weights = np.ones(len(begins))
    for place, begin, end in zip(stated.tolist(), begins[stated].tolist(), ends[stated].tolist(), strict=True):
        weights[place] = adjusted_count(data[begin:end])
    return weights


def _rewritten(columns: SpanColumns, odd: NDArray[np.bool_]) -> SpanColumns:
    """Return the spans with the odd ones in the order of their fields, which stay what they are."""
    anew = {place: _Anew(columns.raw(place)) for place in odd.nonzero()[0].tolist()}
    raw = [anew[place].raw if place in anew else columns.raw(place) for place in range(len(columns))]
    data, starts, ends = _joined(raw)
    moved = starts - columns.starts
    offsets = {name: getattr(columns, name) + moved for name in ("name_at", "name_end", "tail_at")}
    weights = np.ones(len(raw)) if columns.weights is None else columns.weights
    for place, span in anew.items():
        start = int(starts[place])
        offsets["name_at"][place], offsets["name_end"][place] = start + span.name_at, start + span.name_end
        offsets["tail_at"][place] = start + span.tail_at
        columns.trace_high[place], columns.trace_low[place] = span.trace_words
        columns.span_id[place], columns.parent_id[place] = span.span_word, span.parent_word
        columns.kind[place], columns.start_nano[place], columns.end_nano[place] = span.kind, span.start, span.end
        weights[place] = span.weight
    columns.data, columns.starts, columns.ends = data, starts, ends
    columns.name_at, columns.name_end, columns.tail_at = offsets["name_at"], offsets["name_end"], offsets["tail_at"]
    columns.weights = None if columns.weights is None and (weights == 1.0).all() else weights
    return columns


class _Anew:
    """A span as protobuf's parser reads it, written anew: its head, its tail, and what it has no name for."""

    def __init__(self, raw: bytes) -> None:
        span: Any = Span.FromString(raw)
        ids = zip((b"\x0a", b"\x12", b"\x1a", b"\x22"), (getattr(span, name) for name in _HEAD), strict=False)
        head = b"".join(delimited(tag, value) for tag, value in ids if value)
        if span.name:
            head += delimited(b"\x2a", span.name)
        self.name_end = len(head)
        self.name_at = len(head) - len(span.name)
        trace_id = trace_id_of(span.trace_id)
        self.trace_words = _word(trace_id[:8]), _word(trace_id[8:])
        self.span_word, self.parent_word = _word(span_id_of(span.span_id)), _word(span_id_of(span.parent_span_id))
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.kind = span.kind if 0 <= span.kind <= max(SpanKind) else 0
        self.weight = adjusted_count(span.trace_state) if span.trace_state else 1.0
        numbers = {name: getattr(span, name) for name in _HEAD[-3:]}
        head += cast("Any", Span)(**numbers).SerializeToString()
        for name in _HEAD:
            span.ClearField(name)
        self.tail_at = len(head)
        self.raw = head + span.SerializeToString()


def _joined(raw: Sequence[bytes]) -> tuple[bytes, Places, Places]:
    ends = np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)))
    starts = np.concatenate([np.zeros(1, np.int64), ends])[: len(raw)]
    return b"".join([*raw, _PADDING]), starts, ends


def _word(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
