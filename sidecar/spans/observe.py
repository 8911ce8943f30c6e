"""From batches of span messages to columns: the one loop that touches every span."""

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Wanted, attributes_of, pick, resource_attributes, status_code_of, text_of
from sidecar.model.span import SpanBatch, SpanMessage, StatusCode
from sidecar.spans.shape import ATTRIBUTES, FailedSpan, ObservedSpans, SpanShape, label_value, shape_of

UNKNOWN_SERVICE = "unknown_service"

_STATUS_CODES = {b"": 0, b"\x18\x01": 1, b"\x18\x02": 2}
"""The status messages without a description, which are nearly all."""
_SHAPES = 20_000
_SERVICES = 5_000
_RESOURCES = 1000
_KEY_BYTES = 2048
_RESOURCE_BYTES = 16 << 10
"""Longer keys are looked at each time and of longer resources only the last is remembered, which all groups of a
ResourceSpans share; so what is remembered stays below 60 MB."""
_SERVICE = b"service.name"

Key = tuple[object, ...]


class Observer:
    """Finds each span's shape by a key of raw bytes, so that only the first span of a kind is looked at in detail.

    Bounded: when there are too many different keys or resources, all are forgotten at once and found anew; what was
    counted is not touched by that.
    """

    def __init__(self, kinds: frozenset[int]) -> None:
        self._kinds = kinds
        self._wanted = Wanted(ATTRIBUTES)
        self._services: dict[bytes, str] = {}
        self._last = (b"", UNKNOWN_SERVICE)
        self._keys: dict[str, dict[Key, int]] = {}
        self._shapes: list[SpanShape] = []
        self._failed = np.zeros(0, dtype=bool)

    def observe(self, batch: SpanBatch) -> ObservedSpans:
        """Return `batch` as columns; a span that ends before it starts took no time."""
        if len(self._shapes) > _SHAPES or len(self._keys) > _SERVICES:
            self._shapes, self._keys = [], {}
        indexes: list[int] = []
        nanoseconds: list[int] = []
        rows: list[SpanMessage] = []
        services: list[str] = []
        failed: list[FailedSpan] = []
        # One long loop on purpose: a call per span would cost as much as the rest of it.
        kinds, wanted, codes = self._kinds, self._wanted.__getitem__, _STATUS_CODES.get
        for group in batch.groups:
            service = self._service_of(group.resource)
            known = self._keys.setdefault(service, {})
            before = len(rows)
            for span in group.spans:
                status = codes(raw_status := span.status)
                if status is None:
                    status = status_code_of(raw_status)
                kind = span.kind
                if kind not in kinds:
                    if status == StatusCode.ERROR:
                        failed.append(FailedSpan(service, span))
                    continue
                key = (span.name, kind, status, *filter(None, map(wanted, span.attributes)))
                index = known.get(key)
                if index is None:
                    index = self._add(service, known, key)
                indexes.append(index)
                nanoseconds.append(span.end_time_unix_nano - span.start_time_unix_nano)
                rows.append(span)
            services.extend(repeat(service, len(rows) - before))
        columns = np.array(indexes, dtype=np.int64)
        failed.extend(FailedSpan(services[row], rows[row]) for row in self._failed_rows(columns))
        durations = np.maximum(np.array(nanoseconds, dtype=np.float64), 0.0) / 1e9
        return ObservedSpans(batch.received_at, self._shapes, columns, durations, failed)

    def _failed_rows(self, indexes: NDArray[np.int64]) -> list[int]:
        rows: list[int] = np.flatnonzero(self._failed[indexes]).tolist() if len(indexes) else []
        return rows

    def _add(self, service: str, known: dict[Key, int], key: Key) -> int:
        texts = [part for part in key if isinstance(part, bytes)]
        kind, status = (part for part in key if isinstance(part, int))
        shape = shape_of(service, text_of(texts[0]), kind, status, attributes_of(texts[1:]))
        index = len(self._shapes)
        if sum(map(len, texts)) <= _KEY_BYTES:
            known[key] = index
        self._shapes.append(shape)
        if index >= len(self._failed):
            self._failed = np.concatenate([self._failed, np.zeros(max(64, index), dtype=bool)])
        self._failed[index] = shape.failed
        return index

    def _service_of(self, resource: bytes) -> str:
        last, service = self._last
        if resource is not last:
            service = self._services.get(resource) or self._look_up(resource)
            self._last = (resource, service)
        return service

    def _look_up(self, resource: bytes) -> str:
        """Return what `service.name` of `resource` says, and remember that."""
        if len(self._services) >= _RESOURCES:
            self._services.clear()
        service = service_of(resource)
        if len(resource) <= _RESOURCE_BYTES:
            self._services[resource] = service
        return service


def service_of(resource: bytes) -> str:
    """Return what `service.name` of a Resource message in its wire form says, as a label."""
    name = attributes_of(pick(resource_attributes(resource), {_SERVICE}).values()).get(_SERVICE.decode())
    return label_value(str(name)) if name else UNKNOWN_SERVICE
