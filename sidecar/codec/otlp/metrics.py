"""ExportMetricsServiceRequest bodies as metric batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.runs import BATCH_BYTES, MESSAGES, MOST_ATTRIBUTES, RUN_BYTES, STEP_BYTES, Run, Runs
from sidecar.codec.otlp.schema import (
    ExponentialPoint,
    HistogramPoint,
    MessageType,
    Metric,
    MetricData,
    NumberPoint,
    SummaryPoint,
    parse,
)
from sidecar.codec.otlp.walk import Field, fields
from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.model.metric import MetricBatch, MetricGroup, MetricHead, MetricKind, PointMessage

BATCH_POINTS = 100
"""Data points of a full batch: 3 ms of the store's work if all of them are the first of their series."""
EXPONENTIAL_WEIGHT = 5
"""How many points one of an exponential histogram counts as: each of its bytes may be a bucket."""
METRIC_BYTES = 2 * STEP_BYTES
"""What a metric counts as besides its size, in bytes of a batch: it is two messages."""
HEAD_BYTES = 64 << 10
"""The longest metric without its data points, if that is longer than a run with them."""
SHORT_BYTES = 2 << 10
"""A point up to this long is taken as it is: it has no room for so many attributes that they cost."""

_POINT = 1  # in the messages of all kinds
_POINTS: Mapping[MetricKind, MessageType[PointMessage]] = {
    MetricKind.GAUGE: NumberPoint,
    MetricKind.SUM: NumberPoint,
    MetricKind.HISTOGRAM: HistogramPoint,
    MetricKind.EXPONENTIAL_HISTOGRAM: ExponentialPoint,
    MetricKind.SUMMARY: SummaryPoint,
}


class _Found(NamedTuple):
    """A metric and its data points in wire form."""

    run: Run
    head: MetricHead
    points: Sequence[bytes]


class MetricBatches:
    """The data points of a request's body.

    `rejected` counts points that were left out: those over 256 KiB of a metric that is longer than that. `skipped`
    counts attributes that were left out of the points and resources that have more than 256.
    """

    def __init__(self, body: bytes, received_at: float) -> None:
        self.rejected = 0
        self._body = body
        self._received_at = received_at
        self._runs = Runs(body)

    @property
    def skipped(self) -> Mapping[str, int]:
        """Attributes that were left out, under `attributes`."""
        return self._runs.skipped

    def __iter__(self) -> Iterator[MetricBatch]:
        """Yield the points in batches, each step about 5 ms at most; a batch may be empty. To be called once.

        Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit, so
        a body is known to be good only after the last batch. Attributes are not looked into.
        """
        groups: list[MetricGroup] = []
        room, work, total = BATCH_POINTS, 0, 0
        for step in self._steps():
            work += step if isinstance(step, int) else METRIC_BYTES
            for group in () if isinstance(step, int) else self._groups(step, room):
                groups.append(group)
                room -= len(group.points) * _weight(group.metric)
                total += len(group.points)
                if room <= 0:
                    yield MetricBatch(self._received_at, groups)
                    groups, room, work = [], BATCH_POINTS, 0
            if total > MESSAGES:
                raise TooLargeError(f"more than {MESSAGES} data points in one request")
            if work >= BATCH_BYTES:
                yield MetricBatch(self._received_at, groups)
                groups, room, work = [], BATCH_POINTS, 0
        if groups:
            yield MetricBatch(self._received_at, groups)

    def _steps(self) -> Iterator[_Found | int]:
        for step in self._runs.steps(self._shorten):
            if isinstance(step, int):
                yield step
                continue
            yield step.size
            for raw in step.items:
                yield _found(step, raw)

    def _groups(self, found: _Found, room: int) -> Iterator[MetricGroup]:
        """Yield the groups of a metric: the first has points for `room` at most, the following for BATCH_POINTS."""
        taken = 0
        while taken < len(found.points):
            part = found.points[taken : taken + max(room // _weight(found.head), 1)]
            points = [self._parse(found.head.kind, raw) for raw in part]
            yield MetricGroup(found.run.resource, found.run.scope, found.head, points)
            taken += len(part)
            room = BATCH_POINTS

    def _parse(self, kind: MetricKind, raw: bytes) -> PointMessage:
        try:
            point = _POINTS[kind].FromString(raw)
        except DecodeError as error:
            raise MalformedInputError("not a valid data point message") from error
        if len(raw) > SHORT_BYTES and len(point.attributes) > MOST_ATTRIBUTES:
            self._runs.skipped["attributes"] += len(point.attributes) - MOST_ATTRIBUTES
            del point.attributes[MOST_ATTRIBUTES:]
        return point

    def _shorten(self, field: Field) -> Iterator[bytes | int]:
        """Yield the metric at `field` as several, each with some of its data points."""
        head, data = b"", None
        for inner in fields(self._body, field.content, field.end):
            yield STEP_BYTES
            if inner.number in _POINTS and inner.length_delimited:
                data = inner
            else:
                head = self._add_to_head(head, inner)
        if data is None:
            return
        rest = b""
        for inner in fields(self._body, data.content, data.end):
            yield STEP_BYTES
            if inner.number != _POINT:
                rest = self._add_to_head(rest, inner)
        metric = parse(Metric, head, "Metric")
        for points in self._cut(data):
            if isinstance(points, bytes):
                setattr(metric, MetricKind(data.number).name.lower(), rest + points)
                points = metric.SerializeToString()
            yield points

    def _cut(self, data: Field) -> Iterator[bytes | int]:
        """Yield the points in `data` as fields of a message, as many at once as may be parsed at once."""
        points: list[bytes] = []
        size = 0
        for field in fields(self._body, data.content, data.end):
            yield STEP_BYTES
            length = field.end - field.start
            if field.number != _POINT:
                continue
            if length > RUN_BYTES:
                self.rejected += 1
                continue
            if size + length > RUN_BYTES:
                yield b"".join(points)
                points, size = [], 0
            points.append(self._body[field.start : field.end])
            size += length
        yield b"".join(points)

    def _add_to_head(self, head: bytes, field: Field) -> bytes:
        size = len(head) + field.end - field.start
        if size > HEAD_BYTES:
            raise TooLargeError(f"a metric of {size} bytes without its points is over the limit of {HEAD_BYTES}")
        return head + self._body[field.start : field.end]


def _weight(metric: MetricHead) -> int:
    return EXPONENTIAL_WEIGHT if metric.kind is MetricKind.EXPONENTIAL_HISTOGRAM else 1


def _found(run: Run, raw: bytes) -> _Found:
    metric = parse(Metric, raw, "Metric")
    name = metric.WhichOneof("data")
    kind = MetricKind[name.upper()] if name else MetricKind.GAUGE
    data = parse(MetricData, getattr(metric, name) if name else b"", "Metric")
    texts = metric.name, metric.description, metric.unit
    head = MetricHead(*texts, kind, data.aggregation_temporality, data.is_monotonic)
    return _Found(run, head, data.data_points)
