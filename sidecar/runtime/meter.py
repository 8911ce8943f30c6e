"""Our own metrics: prometheus_client meters on a registry that is passed in, never the global one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

MadeT = TypeVar("MadeT", Counter, Gauge, Histogram)

DURATION_BUCKETS_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meter:
    """Makes our own counters, gauges and histograms; asking twice for a name returns the same one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        self._label_names: dict[str, Sequence[str]] = {}

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Return the counter `name` (ending in `_total`); without labels it counts from zero at once."""
        made = self._made.get(name) or Counter(name, text, labels, registry=self.registry)
        assert isinstance(made, Counter)
        return self._keep(name, made, labels)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """Return the gauge `name`."""
        made = self._made.get(name) or Gauge(name, text, labels, registry=self.registry)
        assert isinstance(made, Gauge)
        return self._keep(name, made, labels)

    def histogram(self, name: str, text: str, labels: Sequence[str] = ()) -> Histogram:
        """Return the histogram `name` in seconds, from a millisecond to ten seconds."""
        made = self._made.get(name) or Histogram(
            name, text, labels, buckets=DURATION_BUCKETS_SECONDS, registry=self.registry
        )
        assert isinstance(made, Histogram)
        return self._keep(name, made, labels)

    def label_names(self, name: str) -> Sequence[str]:
        """Return the labels that `name` was made with; none if it was not made here."""
        return self._label_names.get(name, ())

    def forget(self, label: str, value: str) -> None:
        """Drop the series whose `label` is `value` from every metric made here: what they were about is gone."""
        for name, made in self._made.items():
            if label in self._label_names[name]:
                made.remove_by_labels({label: value})

    def read(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Expose a gauge whose value is asked for at each scrape, so that it is always current."""
        self.gauge(name, text).set_function(value)

    def read_total(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Expose a counter that is kept elsewhere and asked for at each scrape."""
        self.registry.register(_CounterElsewhere(name, text, value))

    def read_by(self, name: str, text: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        """Expose what is kept elsewhere by the value of `label`: a counter if `name` ends in `_total`, else a gauge."""
        self.registry.register(_LabelledElsewhere(name, text, label, values))

    def _keep(self, name: str, made: MadeT, labels: Sequence[str]) -> MadeT:
        self._made[name] = made
        self._label_names[name] = labels
        return made


class _CounterElsewhere(Collector):
    def __init__(self, name: str, text: str, value: Callable[[], float]) -> None:
        self._name, self._text, self._value = name, text, value

    @override
    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self._name, self._text, value=self._value())


class _LabelledElsewhere(Collector):
    def __init__(self, name: str, text: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        self._name, self._text, self._label, self._values = name, text, label, values

    @override
    def collect(self) -> Iterable[Metric]:
        kind = CounterMetricFamily if self._name.endswith("_total") else GaugeMetricFamily
        family = kind(self._name, self._text, labels=[self._label])
        for key, value in self._values().items():
            family.add_metric([key], value)
        yield family


def platform_collectors(registry: CollectorRegistry) -> None:
    """Add prometheus_client's own process, platform and garbage collector metrics."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
