"""From batches of span messages to columns: the one loop that touches every span."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Wanted, attributes_of, status_code_of, text_of
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.peer.times import CLOCK_NANO, took_nano
from sidecar.derive.label_values import label_value, texts_of
from sidecar.derive.origin import UNKNOWN_SERVICE, Origin, origin_of
from sidecar.model.redact import Redact, unmasked
from sidecar.model.span import SpanBatch, SpanKind, SpanMessage, StatusCode
from sidecar.spans.calls import INCOMING, OUTGOING, SHORTENED
from sidecar.spans.shape import CALLED, SERVED, ObservedSpans, SentSpan, SpanShape, counts_as_failed, shape_of

_STATUS_CODES = {b"": 0, b"\x18\x01": 1, b"\x18\x02": 2}
"""The status messages without a description, which are nearly all."""
_SHAPES = 20_000
_ORIGINS = 5_000
_RESOURCES = 1000
_KEY_BYTES = 2048
_RESOURCE_BYTES = 16 << 10
"""Longer keys are looked at each time and of longer resources only the last is remembered, which all groups of a
ResourceSpans share; so what is remembered stays below 60 MB."""
_JUDGED = frozenset(map(int, (*SERVED, *CALLED)))

Key = tuple[object, ...]


class Observer:
    """Finds each span's shape by a key of raw bytes, so that only the first span of a kind is looked at in detail.

    `more` names attributes, of spans or resources, that shapes are told apart by beyond those of their calls. What a
    shape says went through `redact`, the name of spans under the key `span.name`. Bounded:
    when there are too many different keys or resources, all are forgotten at once and found anew; what was counted is
    not touched by that.
    """

    def __init__(self, kinds: frozenset[int], more: Collection[str] = (), redact: Redact = unmasked) -> None:
        self._kinds = kinds
        self._unasked = _JUDGED - kinds
        self._redact = redact
        self._more = frozenset(more)
        shortened = {key: shorten for key, shorten in SHORTENED.items() if key not in self._more}
        incoming, outgoing = Wanted(INCOMING | self._more, shortened), Wanted(OUTGOING | self._more, shortened)
        self._wanted = [outgoing if kind in (SpanKind.CLIENT, SpanKind.PRODUCER) else incoming for kind in SpanKind]
        self._origins: dict[bytes, Origin] = {}
        self._last = (b"", Origin(UNKNOWN_SERVICE))
        self._keys: dict[Origin, dict[Key, int]] = {}
        self._shapes: list[SpanShape] = []
        self._origin_of_shape: list[Origin] = []
        self._failed = np.zeros(0, dtype=bool)

    def observe(self, batch: SpanBatch) -> ObservedSpans:
        """Return `batch` as columns; what a span took is what `took_nano` says."""
        if len(self._shapes) > _SHAPES or len(self._keys) > _ORIGINS:
            self._shapes, self._origin_of_shape, self._keys = [], [], {}
        indexes: list[int] = []
        nanoseconds: list[int] = []
        spans: list[SpanMessage] = []
        weights: dict[int, float] = {}
        failed: list[SentSpan] = []
        others: list[SentSpan] = []
        # One long loop on purpose: a call per span would cost as much as the rest of it.
        kinds, unasked, codes, error = self._kinds, self._unasked, _STATUS_CODES.get, StatusCode.ERROR
        wanted = [wanted.__getitem__ for wanted in self._wanted]
        for group in batch.groups:
            origin = self._origin_of(group.resource)
            known = self._keys.setdefault(origin, {})
            for span in group.spans:
                status = codes(raw_status := span.status)
                if status is None:
                    status = status_code_of(raw_status)
                kind = span.kind
                if kind not in kinds:
                    others.append(sent := SentSpan(origin, span))
                    if status == error or (unasked and not status and kind in unasked and self._is_failure(span)):
                        failed.append(sent)
                    continue
                key = (span.name, kind, status, *filter(None, map(wanted[kind], span.attributes)))
                index = known.get(key)
                if index is None:
                    index = self._add(origin, known, key)
                if trace_state := span.trace_state:
                    weights[len(spans)] = adjusted_count(trace_state)
                indexes.append(index)
                start = span.start_time_unix_nano
                nanoseconds.append(span.end_time_unix_nano - start if start else 0)
                spans.append(span)
        columns = np.array(indexes, dtype=np.int64)
        durations = _seconds(nanoseconds, spans, batch.received_at)
        fails = self._failed[columns]
        failed.extend(
            SentSpan(self._origin_of_shape[indexes[place]], spans[place]) for place in fails.nonzero()[0].tolist()
        )
        return ObservedSpans(
            received_at=batch.received_at,
            shapes=self._shapes,
            spans=spans,
            indexes=columns,
            durations_seconds=durations,
            fails=fails,
            weights=_column(weights, len(spans)),
            failed=failed,
            others=others,
        )

    def _add(self, origin: Origin, known: dict[Key, int], key: Key) -> int:
        texts = [part for part in key if isinstance(part, bytes)]
        kind, status = (part for part in key if isinstance(part, int))
        attributes = {name: self._redact(name, value) for name, value in attributes_of(texts[1:]).items()}
        name = self._redact("span.name", text_of(texts[0]))
        more = self._more_of(origin, texts[1:]) if self._more else {}
        shape = shape_of(origin.service, name, kind, status, attributes, more)
        index = len(self._shapes)
        if sum(map(len, texts)) <= _KEY_BYTES:
            known[key] = index
        self._shapes.append(shape)
        self._origin_of_shape.append(origin)
        if index >= len(self._failed):
            self._failed = np.concatenate([self._failed, np.zeros(max(64, index), dtype=bool)])
        self._failed[index] = shape.failed
        return index

    def _is_failure(self, span: SpanMessage) -> bool:
        """Return whether a span without a status counts as an error, of a kind that the configuration leaves out."""
        wanted = filter(None, map(self._wanted[span.kind].__getitem__, span.attributes))
        return counts_as_failed(span.kind, StatusCode.UNSET, attributes_of(wanted))

    def _more_of(self, origin: Origin, attributes: Sequence[bytes]) -> dict[str, str]:
        """Return what was asked for; what a span says of itself goes before what its resource says."""
        own = texts_of(attributes, self._more).items()
        return {**dict(origin.attributes), **{name: label_value(self._redact(name, text)) for name, text in own}}

    def _origin_of(self, resource: bytes) -> Origin:
        last, origin = self._last
        if resource is not last:
            origin = self._origins.get(resource) or self._look_up(resource)
            self._last = (resource, origin)
        return origin

    def _look_up(self, resource: bytes) -> Origin:
        """Return what `resource` says, and remember that."""
        if len(self._origins) >= _RESOURCES:
            self._origins.clear()
        origin = origin_of(resource, self._redact, self._more)
        if len(resource) <= _RESOURCE_BYTES:
            self._origins[resource] = origin
        return origin


def _seconds(nanoseconds: Sequence[int], spans: Sequence[SpanMessage], now: float) -> NDArray[np.float64]:
    """Return durations, given the differences of set times: only the long ones need a second look."""
    durations = np.maximum(np.array(nanoseconds, dtype=np.float64), 0.0)
    for place in (durations > CLOCK_NANO).nonzero()[0].tolist():
        durations[place] = took_nano(spans[place].start_time_unix_nano, spans[place].end_time_unix_nano, now)
    durations /= 1e9
    return durations


def _column(weights: Mapping[int, float], count: int) -> NDArray[np.float64] | None:
    """Return the weights of all spans, 1 for those without one; None if that is what all have."""
    if not weights:
        return None
    column = np.ones(count)
    column[list(weights)] = list(weights.values())
    return column
