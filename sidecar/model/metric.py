"""Received metrics on their way from a receiver to the store that shows them."""

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol


class MetricKind(IntEnum):
    """The kinds of data an OTLP Metric has; the value is the number of its field there."""

    GAUGE = 5
    SUM = 7
    HISTOGRAM = 9
    EXPONENTIAL_HISTOGRAM = 10
    SUMMARY = 11


class Temporality(IntEnum):
    """OTLP's AggregationTemporality: whether values count since the last point or since the start."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class PointMessage(Protocol):
    """A data point as received, which is of the kind that the MetricHead beside it tells; this is what all kinds have.

    `attributes` are KeyValue messages in their wire form.
    """

    @property
    def attributes(self) -> MutableSequence[bytes]: ...  # noqa: D102 - the fields are those of OTLP's data points
    @property
    def start_time_unix_nano(self) -> int: ...  # noqa: D102
    @property
    def time_unix_nano(self) -> int: ...  # noqa: D102
    @property
    def flags(self) -> int: ...  # noqa: D102


class NumberMessage(PointMessage, Protocol):
    """A data point of a gauge or a sum."""

    def WhichOneof(self, group: str, /) -> str | None:  # noqa: N802 - protobuf's name
        """Return the name of the field that has the value, if any."""
        ...


class _Summed(PointMessage, Protocol):
    """A data point of many values, whose sum may be missing."""

    @property
    def count(self) -> int: ...
    @property
    def sum(self) -> float: ...

    def HasField(self, name: str, /) -> bool:  # noqa: N802 - protobuf's name
        """Return whether the optional field is there."""
        ...


class HistogramMessage(_Summed, Protocol):
    """A data point of a histogram."""

    @property
    def bucket_counts(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def explicit_bounds(self) -> Sequence[float]: ...  # noqa: D102


class BucketsMessage(Protocol):
    """Counts of the buckets from index `offset` on."""

    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def bucket_counts(self) -> Sequence[int]: ...  # noqa: D102


class ExponentialMessage(_Summed, Protocol):
    """A data point of an exponential histogram."""

    @property
    def scale(self) -> int: ...  # noqa: D102
    @property
    def zero_count(self) -> int: ...  # noqa: D102
    @property
    def zero_threshold(self) -> float: ...  # noqa: D102
    @property
    def positive(self) -> BucketsMessage: ...  # noqa: D102
    @property
    def negative(self) -> BucketsMessage: ...  # noqa: D102


class QuantileMessage(Protocol):
    """The value at a quantile."""

    @property
    def quantile(self) -> float: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102


class SummaryMessage(PointMessage, Protocol):
    """A data point of a summary."""

    @property
    def count(self) -> int: ...  # noqa: D102
    @property
    def sum(self) -> float: ...  # noqa: D102
    @property
    def quantile_values(self) -> Sequence[QuantileMessage]: ...  # noqa: D102


class MetricHead(NamedTuple):
    """An OTLP Metric without its data points; texts as received. Gauges and summaries have no temporality."""

    name: bytes
    description: bytes
    unit: bytes
    kind: MetricKind
    temporality: int
    is_monotonic: bool


class MetricGroup(NamedTuple):
    """Data points of one metric, scope and resource; the latter two are the messages of that name in wire form."""

    resource: bytes
    scope: bytes
    metric: MetricHead
    points: Sequence[PointMessage]


@dataclass(frozen=True, slots=True)
class MetricBatch:
    """A slice of a request, small enough to be worked on in about 5 ms, `received_at` a time by the steady clock."""

    received_at: float
    groups: Sequence[MetricGroup]

    def __len__(self) -> int:
        """Return the number of data points."""
        return sum(len(group.points) for group in self.groups)
