"""From prometheus_client's metrics to our families; pure."""

import re
from collections.abc import Collection, Iterable

from prometheus_client import Metric

from sidecar.model.errors import TargetError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

_TYPES = {
    "counter": MetricType.COUNTER,
    "gauge": MetricType.GAUGE,
    "histogram": MetricType.HISTOGRAM,
    "summary": MetricType.SUMMARY,
    "info": MetricType.GAUGE,
    "stateset": MetricType.GAUGE,
    "gaugehistogram": MetricType.GAUGE,
}
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def convert(metrics: Iterable[Metric], counters: Collection[str] = ()) -> list[FamilySamples]:
    """Return `metrics` as families of the text format 0.0.4; every sample keeps the name that the app gave it.

    What only OpenMetrics has becomes a gauge for each name: `_info`, `_created`, state sets, the parts of a gauge
    histogram. Native histograms, timestamps and exemplars are left out. Metrics named in `counters` are counters,
    whatever they say. Raises TargetError for a name that the text format cannot have.
    """
    found: dict[str, tuple[Family, list[Sample]]] = {}
    names = _Names()
    for metric in metrics:
        kind = MetricType.COUNTER if metric.name in counters else _TYPES.get(metric.type, MetricType.UNTYPED)
        for sample in metric.samples:
            if sample.native_histogram is not None:
                continue
            names.check(sample.name, sample.labels)
            name, family_type = _family_of(metric.name, kind, sample.name)
            if name not in found:
                found[name] = Family(name, family_type, metric.documentation), []
            found[name][1].append(Sample(sample.name, labels_of(sample.labels), float(sample.value)))
    return [FamilySamples(family, samples) for family, samples in found.values()]


def _family_of(metric_name: str, kind: MetricType, sample_name: str) -> tuple[str, MetricType]:
    """Return name and type of the family that the text format has a sample in."""
    if sample_name != metric_name and sample_name.endswith("_created"):
        return sample_name, MetricType.GAUGE
    if kind in (MetricType.HISTOGRAM, MetricType.SUMMARY):
        return metric_name, kind
    return sample_name, kind


class _Names:
    """Names that were looked at and are good."""

    def __init__(self) -> None:
        self._metrics: set[str] = set()
        self._labels: set[str] = set()

    def check(self, name: str, labels: Iterable[str]) -> None:
        """Raise TargetError for the first name that the text format cannot have."""
        if name not in self._metrics:
            _check(name, _METRIC_NAME)
            self._metrics.add(name)
        if not self._labels.issuperset(labels):
            for label in labels:
                _check(label, _LABEL_NAME)
            self._labels.update(labels)


def _check(name: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(name):
        raise TargetError(f"`{name}` is not a name of the text format")
