"""Our own metrics, as the registry has them, in the form that the SDK's exporter takes.

Names stay as on /metrics, a counter's `_total` included: receivers that turn OTLP into Prometheus' format add none to
a name that has one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric as ClientMetric
from prometheus_client.samples import Sample

from sidecar.model.steps import Steps

CUMULATIVE = AggregationTemporality.CUMULATIVE

LabelSet: TypeAlias = tuple[tuple[str, str], ...]


class MetricSource(NamedTuple):
    """Whose metrics they are; counters that do not say since when they count do so since `started_at`, Unix time."""

    resource: Resource
    scope: InstrumentationScope
    started_at: float


def metrics_data(families: Iterable[ClientMetric], source: MetricSource, now: float) -> Steps[MetricsData]:
    """Return `families`, as they are at `now` (Unix time), under the name of `source`; a step is a family."""
    metrics: list[Metric] = []
    for family in families:
        metrics += _metrics_of(family, _nanoseconds(source.started_at), _nanoseconds(now))
        yield
    return MetricsData([ResourceMetrics(source.resource, [ScopeMetrics(source.scope, metrics, "")], "")])


def points_in(data: MetricsData) -> int:
    """Return the number of data points."""
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)


def _metrics_of(family: ClientMetric, started_ns: int, now_ns: int) -> Iterator[Metric]:
    created = {
        _labels(sample): _nanoseconds(sample.value) for sample in family.samples if sample.name.endswith("_created")
    }
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    if family.type == "histogram":
        points = [
            _histogram_point(series, created.get(labels, started_ns), now_ns)
            for labels, series in _by_labels(samples).items()
        ]
        yield Metric(family.name, family.documentation, "", Histogram(points, CUMULATIVE))
        return
    for name, series in _by_name(samples).items():
        numbers = [
            NumberDataPoint(dict(sample.labels), created.get(_labels(sample), started_ns), now_ns, sample.value)
            for sample in series
        ]
        data = Sum(numbers, CUMULATIVE, is_monotonic=True) if family.type == "counter" else Gauge(numbers)
        yield Metric(name, family.documentation, "", data)


def _histogram_point(series: Sequence[Sample], started_ns: int, now_ns: int) -> HistogramDataPoint:
    """Return the point of one series: what Prometheus adds up from bound to bound is counted between them here."""
    bounds = [(float(sample.labels["le"]), int(sample.value)) for sample in series if "le" in sample.labels]
    totals = [0, *(total for _, total in bounds)]
    (sum_,) = (sample.value for sample in series if sample.name.endswith("_sum"))
    return HistogramDataPoint(
        attributes=dict(_labels(series[0])),
        start_time_unix_nano=started_ns,
        time_unix_nano=now_ns,
        count=totals[-1],
        sum=sum_,
        bucket_counts=[above - below for below, above in pairwise(totals)],
        explicit_bounds=[bound for bound, _ in bounds[:-1]],
        min=None,  # type: ignore[arg-type] # nobody knows; the encoder leaves the field out
        max=None,  # type: ignore[arg-type]
    )


def _by_labels(samples: Iterable[Sample]) -> dict[LabelSet, list[Sample]]:
    found: defaultdict[LabelSet, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[_labels(sample)].append(sample)
    return found


def _by_name(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.name].append(sample)
    return found


def _labels(sample: Sample) -> LabelSet:
    return tuple((name, value) for name, value in sample.labels.items() if name != "le")


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
