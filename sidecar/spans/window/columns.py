"""Rows of the spans of a batch, for the window."""

import numpy as np

from sidecar.model.span_columns import Words
from sidecar.redaction.telemetry import LABEL_LENGTH
from sidecar.spans.per_shape import PerShape
from sidecar.spans.queries.finder import DatabaseCalls
from sidecar.spans.roots import are_local_roots
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.window.failures import failed
from sidecar.spans.window.rows import SpanRows

_NAME_BYTES = 2 * LABEL_LENGTH
"""Of a name more is held until it is masked than is shown: what is secret at the cut must be known for it."""


class Rows:
    """Makes rows of batches."""

    def __init__(self) -> None:
        self._shapes = PerShape(lambda shape: shape, np.object_)

    def of(self, spans: ObservedSpans, calls: DatabaseCalls) -> tuple[SpanRows, Words, Words]:
        """Return the rows of a batch, and the halves of the ids of their traces."""
        columns, counted = spans.columns, spans.places
        count = len(columns)
        seconds, fails, is_call = np.zeros(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        query, what, failure = (np.empty(count, np.object_) for _ in range(3))
        seconds[counted] = spans.durations_seconds
        asks = counted[calls.places]
        is_call[asks], query[asks] = True, calls.queries
        has_shape = np.zeros(count, np.bool_)
        has_shape[counted] = True
        others = (~has_shape).nonzero()[0]
        what[counted] = self._shapes.of(spans)[spans.indexes]
        what[others] = [name[:_NAME_BYTES] for name in columns.names(others)]
        fails[spans.failed_places] = True
        for place in spans.failed_places:
            size = int(columns.ends[place] - columns.starts[place])
            failure[place] = failed(spans.sent(place), spans.received_at, spans.wall_at, size)
        services = np.array([origin.service for origin in spans.origins], np.object_)
        rows = SpanRows(
            slot=np.empty(0, np.int64),
            span_id=columns.span_id,
            parent_id=columns.parent_id,
            start_nano=columns.start_nano,
            seconds=seconds,
            weight=np.ones(count) if columns.weights is None else columns.weights,
            kind=columns.kind,
            is_root=are_local_roots(columns.parent_id, columns.flags, columns.kind),
            is_call=is_call,
            scope=np.array([hash(source.scope) for source in columns.sources], np.int64)[columns.source_of],
            fails=fails,
            what=what,
            service=services[columns.source_of],
            query=query,
            failure=failure,
        )
        return rows, columns.trace_high, columns.trace_low
