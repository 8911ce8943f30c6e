"""Rows of what today's observer gives: one message a span. To be replaced by columns that were never messages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.peer.ids import SPAN_ID_BYTES, TRACE_ID_BYTES, span_ids_of, trace_ids_of
from sidecar.model.span import SpanKind
from sidecar.redaction.telemetry import LABEL_LENGTH
from sidecar.spans.per_shape import PerShape
from sidecar.spans.queries.finder import DatabaseCalls
from sidecar.spans.roots import HAS_IS_REMOTE, IS_REMOTE
from sidecar.spans.shape import SERVED, ObservedSpans
from sidecar.spans.window.failures import failure_of
from sidecar.spans.window.rows import Bools, SpanRows, Words

_MOST = max(SpanKind)
_NAME_BYTES = 2 * LABEL_LENGTH
"""Of a name more is held until it is masked than is shown: what is secret at the cut must be known for it."""


class Rows:
    """Makes rows of batches."""

    def __init__(self) -> None:
        self._shapes = PerShape(lambda shape: shape, np.object_)
        self._services = PerShape(lambda shape: shape.service, np.object_)

    def of(self, spans: ObservedSpans, calls: DatabaseCalls) -> tuple[SpanRows, Words, Words]:
        """Return the rows of a batch, and the halves of the ids of their traces."""
        counted, others = len(spans.spans), [sent.span for sent in spans.others]
        messages = [*spans.spans, *others]
        count = len(messages)
        trace_ids = _words(trace_ids_of([span.trace_id for span in messages]), TRACE_ID_BYTES).reshape(-1, 2)
        parents = _words(span_ids_of([span.parent_span_id for span in messages]), SPAN_ID_BYTES)
        kinds = np.fromiter((span.kind if 0 <= span.kind <= _MOST else 0 for span in messages), np.uint8, count)
        flags = np.fromiter((span.flags for span in messages), np.uint32, count)
        seconds, fails, is_call = np.zeros(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        seconds[:counted], fails[:counted], is_call[calls.places] = spans.durations_seconds, spans.fails, True
        weights = np.ones(count)
        if spans.weights is not None:
            weights[:counted] = spans.weights
        query, what, service = (np.empty(count, np.object_) for _ in range(3))
        query[calls.places] = calls.queries
        what[:counted] = self._shapes.of(spans)[spans.indexes]
        what[counted:] = [span.name[:_NAME_BYTES] for span in others]
        service[:counted] = self._services.of(spans)[spans.indexes]
        service[counted:] = [sent.origin.service for sent in spans.others]
        failure = np.empty(count, np.object_)
        for sent, place in zip(spans.failed, _places_of_failed(spans), strict=True):
            failure[place], fails[place] = failure_of(sent, spans.received_at), True
        rows = SpanRows(
            slot=np.empty(0, np.int64),
            span_id=_words(span_ids_of([span.span_id for span in messages]), SPAN_ID_BYTES),
            parent_id=parents,
            start_nano=np.fromiter((span.start_time_unix_nano for span in messages), np.uint64, count),
            seconds=seconds,
            weight=weights,
            kind=kinds,
            is_root=are_local_roots(parents, flags, kinds),
            is_call=is_call,
            fails=fails,
            what=what,
            service=service,
            query=query,
            failure=failure,
        )
        return rows, trace_ids[:, 0], trace_ids[:, 1]


def _places_of_failed(spans: ObservedSpans) -> list[int]:
    """Return the place of each of the failed spans: those of kinds that are not counted come first among them."""
    counted = spans.fails.nonzero()[0].tolist()
    others = {id(sent): place for place, sent in enumerate(spans.others, len(spans.spans))}
    return [others[id(sent)] for sent in spans.failed[: len(spans.failed) - len(counted)]] + counted


def are_local_roots(parents: Words, flags: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> Bools:
    """Return of each span what `is_local_root` says."""
    is_served = np.isin(kinds, [int(kind) for kind in SERVED])
    is_entrance = np.where(flags & HAS_IS_REMOTE != 0, flags & IS_REMOTE != 0, is_served)
    roots: Bools = (parents == 0) | is_entrance
    return roots


def _words(ids: Sequence[bytes], length: int) -> Words:
    """Return ids as words, zero for none."""
    data = b"".join(ids)
    if len(data) != length * len(ids):
        data = b"".join(one or bytes(length) for one in ids)
    return np.frombuffer(data, "<u8")
