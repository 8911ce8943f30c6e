"""The latest value of every received series."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.families import Families, MetricFamily, Tell
from sidecar.metrics.points import NO_RECORDED_VALUE, Value, read
from sidecar.metrics.refused import Refused, dropped
from sidecar.metrics.series import Series
from sidecar.metrics.stream import Origin, Stream
from sidecar.metrics.target import target_info
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels
from sidecar.model.metric import AnyPoint, MetricBatch, MetricHead
from sidecar.model.redact import Redact, unmasked
from sidecar.model.sample import in_parts

SAMPLES = Family(
    "sidecar_otlp_metrics_samples",
    MetricType.GAUGE,
    "Samples that the series of received OTLP metrics take; `max_samples` limits them.",
)
PART_SAMPLES = 500
"""Samples that are made in one step: about 1 ms, and 2 ms more for whoever encodes them."""

_REMEMBERED_BYTES = 16 << 20
"""Memory of what finds a series by the bytes of a request; when it is full, all are looked up anew."""
_ORIGIN_BYTES, _STREAM_BYTES, _KEY_BYTES = 1_200, 600, 250
"""What one of these takes besides the bytes received."""
_ENDED = 1_000
"""Ended series that what is remembered may hold on to."""


class _Known(NamedTuple):
    """An origin and its metrics; these know it, and it does not know them, so that all are forgotten at once."""

    origin: Origin
    streams: dict[MetricHead, Stream]


class MetricStore:
    """Sink of metric batches.

    A data point of an earlier time than the last one of its series is dropped, so what counts is the order of the
    sender's clock; of the same time the last one counts. Deltas are added up from zero. A series ends when its sender
    says so, or when no data point has come for `expire_seconds`. Labels are made of what `redact` leaves of attributes.
    """

    def __init__(self, config: OtlpMetricsConfig, tell: Tell, redact: Redact = unmasked) -> None:
        self._config = config
        self._redact = redact
        self._families = Families(config, tell)
        self._dropped: Counter[Refused] = Counter()
        self._remembered = 0
        self._origins: dict[tuple[bytes, bytes], _Known] = {}

    def accept(self, batch: MetricBatch, /) -> int:
        """Take the data points of `batch`; return how many were dropped, which are counted by reason too."""
        self._forget()
        before = self._dropped.total()
        for group in batch.groups:
            stream = self._stream(group.resource, group.scope, group.metric)
            if stream.refused:
                self._dropped[stream.refused] += len(group.points)
                continue
            for point in group.points:
                refused = self._take(stream, point, batch.received_at)
                if refused:
                    self._dropped[refused] += 1
        return self._dropped.total() - before

    def families(self, now: float, taken: Collection[str] = ()) -> Iterator[FamilySamples]:
        """Yield all families as they are at Unix time `now`, large ones in parts of a step's work each.

        `taken` are names of samples that others show: a family that may have one of them gives way, now and later.
        Batches may be accepted in between; the samples of one series belong together all the same.
        """
        self._families.give_way(taken)
        for held in self._families.all():
            self._families.expire(held, now - self._config.expire_seconds)
            yield from _parts(held)
        yield from in_parts([target_info(self._families.targets)])
        yield dropped(self._dropped)
        yield FamilySamples(SAMPLES, [Sample(SAMPLES.name, (), self._families.samples)])

    def _take(self, stream: Stream, point: AnyPoint, received_at: float) -> Refused | None:
        key = tuple(point.attributes)
        time = point.time_unix_nano or max(round(received_at * 1e9), 1)
        series = stream.known.get(key)
        if series is None or series.ended:
            labels = stream.labels_of(key, self._config.max_label_characters)
            if labels is None:
                return Refused.MAX_LABEL_CHARACTERS
            series = self._families.find(stream.family, labels)
        else:
            labels = series.labels
        if series is not None and series.is_ahead_of(time, stream.is_delta):
            return Refused.OUT_OF_ORDER
        if point.flags & NO_RECORDED_VALUE:
            if series is not None:
                self._families.end(series)
            return None
        value = read(stream.kind, point)
        if value is None or (stream.is_delta and isinstance(value, float) and value < 0):
            return Refused.MALFORMED
        updated = self._update(stream, series, labels, value)
        if isinstance(updated, Refused):
            return updated
        updated.time, updated.seen_at = time, received_at
        self._remember(stream, key, updated)
        return None

    def _update(
        self, stream: Stream, series: Series[Any] | None, labels: Labels, value: Value
    ) -> Series[Any] | Refused:
        """Return the series that has `value` now: `series`, or another one if it does not fit into that."""
        if series is None or not series.fits(value):
            return self._families.begin(stream.family, labels, value, stream.target)
        if stream.is_delta:
            series.add(value)
        else:
            series.set(value)
        return series

    def _stream(self, resource: bytes, scope: bytes, metric: MetricHead) -> Stream:
        known = self._origins.get((resource, scope))
        if known is None:
            origin = Origin(resource, scope, self._config, self._redact)
            origin.target = self._families.meet(origin.target)
            known = self._origins[resource, scope] = _Known(origin, {})
            self._remembered += _ORIGIN_BYTES + len(resource) + len(scope)
        stream = known.streams.get(metric)
        if stream is None:
            stream = known.streams[metric] = Stream(metric, known.origin)
            self._remembered += _STREAM_BYTES + len(metric.name) + len(metric.description) + len(metric.unit)
        return stream

    def _remember(self, stream: Stream, key: tuple[bytes, ...], series: Series[Any]) -> None:
        if stream.known.get(key) is not series:
            stream.known[key] = series
            self._remembered += _KEY_BYTES + sum(map(len, key))

    def _forget(self) -> None:
        """Forget what is remembered if it is much."""
        if self._remembered > _REMEMBERED_BYTES or self._families.ended > _ENDED:
            self._origins.clear()
            self._remembered = self._families.ended = 0


def _parts(held: MetricFamily) -> Iterator[FamilySamples]:
    """Yield the samples of a family, the series of about PART_SAMPLES at once."""
    samples: list[Sample] = []
    for series in list(held.series.values()):
        samples.extend(series.samples())
        if len(samples) >= PART_SAMPLES:
            yield FamilySamples(held.family, samples)
            samples = []
    if samples:
        yield FamilySamples(held.family, samples)
