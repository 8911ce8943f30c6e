"""What lint knows of the series that rules ask for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sidecar.model.family import Family, MetricType

_ENDINGS: Mapping[MetricType, tuple[tuple[str, MetricType], ...]] = {
    MetricType.HISTOGRAM: (
        ("_bucket", MetricType.COUNTER),
        ("_sum", MetricType.COUNTER),
        ("_count", MetricType.COUNTER),
    ),
    MetricType.SUMMARY: (("", MetricType.GAUGE), ("_sum", MetricType.COUNTER), ("_count", MetricType.COUNTER)),
}


def never_missing(_name: str) -> str:
    """Return nothing: who knows no configuration misses nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of series.

    `types`: whether a name is a counter or a gauge. `missing` says why the sidecar has no series of a name, and nothing
    where it may have some. `retention_ms`: how long samples are kept that no rule records; None if that is not known.
    """

    types: Mapping[str, MetricType] = field(default_factory=dict)
    missing: Callable[[str], str] = never_missing
    retention_ms: int | None = None


def types_of(family: Family) -> Iterator[tuple[str, MetricType]]:
    """Yield the names of a family's series, each with what it is by itself: a bucket is a counter."""
    for ending, kind in _ENDINGS.get(family.type, (("", family.type),)):
        yield family.name + ending, kind
