"""Spans in wire form as columns.

Encoders write fields in the order of their numbers: ids, name, kind and times stand first in a span, its *head*. A walk
in lockstep reads the heads of all spans of a batch at once, field after field, and then all other fields, in whatever
order they are. A span that is *odd*, written as the walk does not know it, is read by protobuf's own parser.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.facts import FactReader, Facts, Side, flags_of
from sidecar.codec.otlp.lockstep import PADDING, Fields, Lockstep
from sidecar.codec.otlp.schema import Span
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.peer.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, span_id_of, trace_id_of
from sidecar.model.span import SpanBatch, SpanKind
from sidecar.model.span_columns import Places, Source, SpanColumns

ODD_SPANS = 200
"""Odd spans that are read in one step, 10 us each."""
_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND, _START, _END = (
    tag[0] for tag in (b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x2a", b"\x30", b"\x39", b"\x41")
)
"""Tags of the fields of a head."""
_MOST_KIND = max(SpanKind)
_OUTGOING = np.isin(np.arange(_MOST_KIND + 1), (SpanKind.CLIENT, SpanKind.PRODUCER)).astype(np.int64)
"""By kind: the number of the side, 1 for those that call and 0 for all others."""

Heads = Mapping[int, tuple[Places, Places]]
"""Where the content of each field of the heads begins and ends, by its tag."""


class ReadSpans(NamedTuple):
    """Spans as columns, and what is known of each besides."""

    columns: SpanColumns
    facts: Facts


class SpanReader:
    """Reads spans; what their attributes mean depends on which side of a call they are."""

    def __init__(self, incoming: Side, outgoing: Side) -> None:
        self._sides = incoming, outgoing
        self._facts = FactReader(self._sides)

    def read(self, batch: SpanBatch) -> Iterator[ReadSpans]:
        """Yield the spans of `batch` in their order, in steps of about 5 ms: at once unless many of them are odd.

        They must be valid messages.
        """
        raw = cast("list[bytes]", [*chain.from_iterable(group.spans for group in batch.groups)])
        data, starts, ends = _joined(raw)
        walk = Lockstep(data, starts, ends)
        heads = _heads(walk)
        fields = walk.rest()
        odd = walk.odd.nonzero()[0]
        if len(odd) > ODD_SPANS:
            for part in batch.split(ODD_SPANS):
                yield from self.read(part)
            return
        columns = _columns(batch, (data, starts, ends), walk, heads, fields)
        facts = self._facts.read(data, walk, fields, _OUTGOING[columns.kind])
        for place in odd.tolist():
            span = Span.FromString(raw[place])
            _put(columns, place, span)
            facts.put(place, self.side_of(columns.kind[place]).fact_of(span, len(raw[place])))
        yield ReadSpans(columns, facts)

    def side_of(self, kind: int) -> Side:
        """Return the side of spans of this `kind`."""
        return self._sides[_OUTGOING[kind]]


def _heads(walk: Lockstep) -> Heads:
    return {
        _TRACE_ID: walk.delimited(_TRACE_ID),
        _SPAN_ID: walk.delimited(_SPAN_ID),
        _TRACE_STATE: walk.delimited(_TRACE_STATE),
        _PARENT_ID: walk.delimited(_PARENT_ID),
        _NAME: walk.delimited(_NAME),
        _KIND: walk.sized(_KIND, 1),
        _START: walk.sized(_START, 8),
        _END: walk.sized(_END, 8),
    }


def _with_late(heads: Heads, fields: Fields) -> Heads:
    """Return the heads with those fields of theirs that stand behind others: the last of each is what counts."""
    found = {}
    for tag, (begin, end) in heads.items():
        late = fields.with_tag(tag)
        if len(late.of):
            begin, end = begin.copy(), end.copy()
            begin[late.of], end[late.of] = late.begin, late.end
        found[tag] = begin, end
    return found


def _columns(
    batch: SpanBatch, joined: tuple[bytes, Places, Places], walk: Lockstep, heads: Heads, fields: Fields
) -> SpanColumns:
    """Return the spans as far as the walk could read them."""
    data, starts, ends = joined
    if (fields.tag <= _END).any():
        heads = _with_late(heads, fields)
    trace_at, trace_end = heads[_TRACE_ID]
    is_trace = trace_end - trace_at == TRACE_ID_BYTES
    kind_at, kind_end = heads[_KIND]
    kind = walk.words(kind_at, kind_end > kind_at).astype(np.uint8)
    counts = np.array([len(group.spans) for group in batch.groups], np.int64)
    return SpanColumns(
        received_at=batch.received_at,
        data=data,
        starts=starts,
        ends=ends,
        trace_high=walk.words(trace_at, is_trace),
        trace_low=walk.words(trace_at + 8, is_trace),
        span_id=_eight(walk, heads[_SPAN_ID]),
        parent_id=_eight(walk, heads[_PARENT_ID]),
        start_nano=_eight(walk, heads[_START]),
        end_nano=_eight(walk, heads[_END]),
        kind=np.where(kind > _MOST_KIND, np.uint8(0), kind),
        flags=flags_of(walk, fields, len(starts)),
        name_at=heads[_NAME][0].copy(),  # they may be written to, and be where the walk began
        name_end=heads[_NAME][1].copy(),
        weights=_weights(data, *heads[_TRACE_STATE], walk.odd),
        sources=[Source(group.resource, group.scope) for group in batch.groups],
        source_of=np.repeat(np.arange(len(batch.groups)), counts),
    )


def _eight(walk: Lockstep, field: tuple[Places, Places]) -> NDArray[np.uint64]:
    begin, end = field
    return walk.words(begin, end - begin == SPAN_ID_BYTES)


def _weights(data: bytes, begins: Places, ends: Places, odd: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    stated = ((ends > begins) & ~odd).nonzero()[0]
    if not len(stated):
        return None
    weights = np.ones(len(begins))
    for place, begin, end in zip(stated.tolist(), begins[stated].tolist(), ends[stated].tolist(), strict=True):
        weights[place] = adjusted_count(data[begin:end])
    return weights


def _put(columns: SpanColumns, place: int, span: Any) -> None:
    """Set what `columns` say of the span at `place` to what protobuf's parser says."""
    trace_id = trace_id_of(span.trace_id)
    columns.trace_high[place], columns.trace_low[place] = _word(trace_id[:8]), _word(trace_id[8:])
    columns.span_id[place] = _word(span_id_of(span.span_id))
    columns.parent_id[place] = _word(span_id_of(span.parent_span_id))
    columns.start_nano[place], columns.end_nano[place] = span.start_time_unix_nano, span.end_time_unix_nano
    columns.kind[place] = span.kind if 0 <= span.kind <= _MOST_KIND else 0
    columns.flags[place] = span.flags
    columns.name_at[place] = columns.data.index(span.name, columns.starts[place])
    columns.name_end[place] = columns.name_at[place] + len(span.name)
    if span.trace_state:
        columns.weights = np.ones(len(columns)) if columns.weights is None else columns.weights
        columns.weights[place] = adjusted_count(span.trace_state)


def _joined(raw: Sequence[bytes]) -> tuple[bytes, Places, Places]:
    ends = np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)))
    starts = np.concatenate([np.zeros(1, np.int64), ends])[: len(raw)]
    return b"".join([*raw, PADDING]), starts, ends


def _word(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
