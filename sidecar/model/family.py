"""Metric families: a name, its type and its help, and the samples under it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from typing_extensions import override

from sidecar.model.labels import Labels


class MetricType(StrEnum):
    """Types of the text exposition format 0.0.4; the value is what `# TYPE` says."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    UNTYPED = "untyped"


_SUFFIXES = {MetricType.HISTOGRAM: ("", "_bucket", "_sum", "_count"), MetricType.SUMMARY: ("", "_sum", "_count")}


def sample_names(name: str, kind: MetricType) -> frozenset[str]:
    """Return the names that samples of a family may have."""
    return frozenset(f"{name}{suffix}" for suffix in _SUFFIXES.get(kind, ("",)))


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family as it is exposed.

    `name` is the name in `# TYPE`, so a counter's includes its `_total` where it has one.
    `labels` lists the label names its samples carry, for the metrics reference.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """One value; `name` is the full sample name, with `_bucket`, `_sum` or `_count` where the type has them."""

    name: str
    labels: Labels
    value: float


class FamilySamples(NamedTuple):
    """A family and its samples of one moment."""

    family: Family
    samples: Sequence[Sample]

    @property
    def exemplars(self) -> "Mapping[int, Exemplar]":
        """The exemplars of `samples`, by the place of the sample; most families have none."""
        return NO_EXEMPLARS


class Exemplar(NamedTuple):
    """One of the observations behind a sample: its trace and span, what was observed, and when in Unix seconds."""

    trace_id: bytes
    span_id: bytes
    value: float
    timestamp: float


NO_EXEMPLARS: Mapping[int, Exemplar] = MappingProxyType({})


class ExemplifiedSamples(FamilySamples):
    """A family with exemplars; a copy with other samples has none."""

    _exemplars: Mapping[int, Exemplar] = NO_EXEMPLARS

    @classmethod
    def of(cls, family: Family, samples: Sequence[Sample], exemplars: Mapping[int, Exemplar]) -> "ExemplifiedSamples":
        """Return `samples` with their exemplars, which only histograms (their buckets) and counters may have."""
        result = cls(family, samples)
        result._exemplars = exemplars
        return result

    @property
    @override
    def exemplars(self) -> Mapping[int, Exemplar]:
        return self._exemplars
