"""The latest value of every received series."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from sidecar.codec.peer.times import plausible_nano
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.families import Families, MetricFamily
from sidecar.metrics.points import NO_RECORDED_VALUE, Malformed, Value, can_add_up, level_of, read
from sidecar.metrics.refused import Refusal, Refused, RefusedPoints
from sidecar.metrics.series import Series
from sidecar.metrics.stream import Origin, Stream
from sidecar.metrics.target import target_info
from sidecar.metrics.told import Conflict, Tell, Told
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels
from sidecar.model.metric import MetricBatch, MetricHead, PointMessage
from sidecar.model.redact import Redact, unmasked
from sidecar.model.sample import in_parts

SAMPLES = Family(
    "sidecar_otlp_metrics_samples",
    MetricType.GAUGE,
    "Samples that the series of received OTLP metrics take; `max_samples` limits them.",
)
TWO_WRITERS = Family(
    "sidecar_otlp_metrics_two_writers_total",
    MetricType.COUNTER,
    "Data points that overwrote those of another process, because both have the same resource.",
)
PART_SAMPLES = 500
"""Samples that are made in one step: about 1 ms, and 2 ms more for whoever encodes them."""

_REMEMBERED_BYTES = 16 << 20
"""Memory of what finds a series by the bytes of a request; when it is full, all are looked up anew."""
_ORIGIN_BYTES, _STREAM_BYTES, _KEY_BYTES = 1_200, 600, 250
"""What one of these takes besides the bytes received."""
_OUT_OF_ORDER = Refusal(Refused.OUT_OF_ORDER, "has a data point of an earlier time than the last one of its series")
_LATE_DELTA = Refusal(Refused.OUT_OF_ORDER, "has a delta that is not of a later time than the last one of its series")
_SAME_LABELS = Refusal(
    Refused.SAME_LABELS, "has several data points in one request that would be one series, by their names as labels"
)
_NO_DELTA = Refusal(
    Refused.MALFORMED, "has a delta that is negative, infinite or not a number, or a sum of values that is no number"
)
_TWO_WRITERS = "comes from two processes that nothing tells apart, which overwrite each other"
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
    Of two data points in a request that would have the same labels the first counts. `tell` hears of what was dropped,
    and of two processes with one resource. `wall` makes Unix time of the time that batches were received at; when it
    makes another one, the clock was set, which may be that of senders too, and any time is later than the last one.
    """

    def __init__(
        self,
        config: OtlpMetricsConfig,
        tell: Tell,
        redact: Redact = unmasked,
        wall: Callable[[float], float] = float,
    ) -> None:
        self._config = config
        self._wall = wall
        self._ahead_seconds = 0.0
        self._redact = redact
        self._families = Families(config, self._tell_of_descriptions)
        self._refused = RefusedPoints()
        self._told = Told(tell)
        self._two_writers = 0
        self._received_at = 0.0
        self._usual_time = 0
        self._remembered = 0
        self._origins: dict[tuple[bytes, bytes], _Known] = {}

    def accept(self, batch: MetricBatch, /) -> int:
        """Take the data points of `batch`; return how many were dropped and why, counted by reason too."""
        self._forget()
        self._refused.begin()
        self._received_at, self._usual_time = batch.received_at, -1
        self._follow_clock()
        for group in batch.groups:
            stream = self._stream(group.resource, group.scope, group.metric)
            if stream.refused:
                self._refuse(stream, stream.refused, len(group.points))
                continue
            for point in group.points:
                refused = self._take(stream, point, batch.received_at)
                if refused:
                    self._refuse(stream, refused, 1)
        return self._refused.of_batch()

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
        yield self._refused.families()
        yield FamilySamples(TWO_WRITERS, [Sample(TWO_WRITERS.name, (), self._two_writers)])
        yield FamilySamples(SAMPLES, [Sample(SAMPLES.name, (), self._families.samples)])

    def _follow_clock(self) -> None:
        """Forget how far the series are if the clock was set, which may be that of their senders too."""
        ahead_seconds = self._wall(self._received_at) - self._received_at
        if ahead_seconds != self._ahead_seconds:
            self._ahead_seconds = ahead_seconds
            for held in self._families.all():
                for series in held.series.values():
                    series.time = 0

    def _take(self, stream: Stream, point: PointMessage, received_at: float) -> Refusal | None:
        key = tuple(point.attributes)
        series = stream.known.get(key)
        if series is None or series.ended:
            labels = stream.labels_of(key, self._config.max_label_characters)
            if labels is None:
                return Refusal.by_limit(Refused.MAX_LABEL_CHARACTERS)
            series = self._families.find(stream.family, labels)
        else:
            labels = series.labels
        time = point.time_unix_nano
        if time != self._usual_time:  # that of the point before, which most points have
            time = self._usual_time = plausible_nano(self._wall(received_at), time)
        writer = stream.identity ^ hash(key)
        if series is not None and not (
            time > series.time and series.seen_at != received_at and point.start_time_unix_nano == series.writers.start
        ):
            refused = self._misplaced(stream, series, point, time, writer)
            if refused:
                return refused
        if point.flags & NO_RECORDED_VALUE:
            if series is not None:
                self._families.end(series)
            return None
        updated = self._update(stream, series, labels, point)
        if isinstance(updated, Refusal):
            return updated
        updated.time, updated.seen_at, updated.writer = time, received_at, writer
        self._remember(stream, key, updated)
        return None

    def _misplaced(
        self, stream: Stream, series: Series[Any], point: PointMessage, time: int, writer: int
    ) -> Refusal | None:
        """Return why `point` cannot go on with `series`, if so; one of a later request, time and the same start can."""
        if series.seen_at == self._received_at and series.writer != writer:
            return _SAME_LABELS
        if stream.has_starts:
            start, writers = _start_of(point), series.writers
            if start != writers.start and writers.is_of_another(start):
                self._note_two_writers(stream)
        if series.is_ahead_of(time, stream.is_delta):
            return _LATE_DELTA if stream.is_delta else _OUT_OF_ORDER
        return None

    def _update(
        self, stream: Stream, series: Series[Any] | None, labels: Labels, point: PointMessage
    ) -> Series[Any] | Refusal:
        """Return the series that has the value of `point` now: `series`, or another one if it does not fit in."""
        value = read(stream.kind, point)
        if isinstance(value, Malformed):
            return Refusal(Refused.MALFORMED, value.problem)
        if stream.is_delta and not can_add_up(value):
            return _NO_DELTA
        if series is None or not series.fits(value):
            return self._begin(stream, labels, value, point)
        if stream.is_delta:
            series.add(value)
            return series
        series.set(value)
        if stream.only_rises and not series.writers.start and series.writers.take_turns(level_of(value)):
            self._note_two_writers(stream)
        return series

    def _begin(self, stream: Stream, labels: Labels, value: Value, point: PointMessage) -> Series[Any] | Refusal:
        series = self._families.begin(stream.family, labels, value, stream.target)
        if isinstance(series, Series) and stream.has_starts:
            series.writers.is_of_another(_start_of(point))
        return series

    def _refuse(self, stream: Stream, refused: Refusal, points: int) -> None:
        """Count data points and say why, to the sender in its own words and now and then to the log."""
        self._refused.add(stream.name, refused, points)
        of_family = refused.reason in (Refused.TYPE, Refused.TAKEN)
        shown = stream.family.name if of_family else stream.name
        problem = refused.detail if of_family else f"{refused.detail}: such data points are dropped"
        self._told.tell((shown, refused.reason), Conflict(shown, problem), self._received_at)

    def _note_two_writers(self, stream: Stream) -> None:
        self._two_writers += 1
        who = ", ".join(f"{name} `{value}`" for name, value in stream.target.identity) or "no service.name"
        problem = f"{_TWO_WRITERS} ({who}): give each a `service.instance.id`"
        self._told.tell((who, "two writers"), Conflict(stream.name, problem), self._received_at)

    def _tell_of_descriptions(self, family: str) -> None:
        problem = "has metrics with different descriptions, of which the first stays"
        self._told.tell((family, "descriptions"), Conflict(family, problem), self._received_at)

    def _stream(self, resource: bytes, scope: bytes, metric: MetricHead) -> Stream:
        known = self._origins.get((resource, scope))
        if known is None:
            origin = Origin(resource, scope, self._config, self._redact)
            origin.target = self._families.meet(origin.target)
            known = self._origins[resource, scope] = _Known(origin, {})
            self._remembered += _ORIGIN_BYTES + len(resource) + len(scope)
        stream = known.streams.get(metric)
        if stream is None:
            stream = known.streams[metric] = Stream(metric, known.origin, hash((resource, scope, metric)))
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


def _start_of(point: PointMessage) -> int:
    """Return since when the values of `point` count, 0 if it does not say or says it wrongly."""
    start = point.start_time_unix_nano
    return 0 if 0 < point.time_unix_nano < start else start


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
