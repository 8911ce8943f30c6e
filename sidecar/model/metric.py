"""Received metrics on their way from a receiver to the store that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias


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


AnyPoint: TypeAlias = Any
"""A data point as received: a message with the fields of its kind, which the MetricHead beside it tells.

Of every kind it has `attributes`, KeyValue messages in their wire form, `start_time_unix_nano`, `time_unix_nano` and
`flags`.
"""


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
    points: Sequence[AnyPoint]


@dataclass(frozen=True, slots=True)
class MetricBatch:
    """A slice of a request, small enough to be worked on in about 5 ms; `received_at` is Unix time in seconds."""

    received_at: float
    groups: Sequence[MetricGroup]

    def __len__(self) -> int:
        """Return the number of data points."""
        return sum(len(group.points) for group in self.groups)
