"""Metric families: a name, its type and its help, and the samples under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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
