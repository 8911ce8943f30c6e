"""Series of a metric within its limits, as plain dictionaries."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
Samples: TypeAlias = dict[tuple[str, Labels], float]
"""What a page shows, by sample name and labels."""

OVERFLOWED = "sidecar_spans_overflowed_total"


def labels_of(labels: Mapping[str, str]) -> Labels:
    """Return a label set; an empty value is no label."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


class LimitedSeries:
    """The label sets of one metric: the first of each of the first services have a series of their own.

    What comes after goes to the service's overflow series, and of further services to one without a service.
    `overflowed` is how much that was.
    """

    def __init__(self, service_label: str = "service", per_service: int = 200, services: int = 10) -> None:
        self.overflowed = 0.0
        self._service_label = service_label
        self._per_service, self._services = per_service, services
        self._own: dict[str, set[Labels]] = {}

    def place_of(self, service: str, labels: Mapping[str, str], weight: float = 1.0) -> Labels:
        """Return the series to which something of this weight is added."""
        wanted = labels_of({self._service_label: service, **labels})
        if wanted in self._own.get(service, ()):
            return wanted
        if service not in self._own and len(self._own) >= self._services:
            service = ""
        elif len(self._own.setdefault(service, set())) < self._per_service:
            self._own[service].add(wanted)
            return wanted
        self.overflowed += weight
        return labels_of({self._service_label: service, "otel_metric_overflow": "true"})


class Counted:
    """A counter within limits."""

    def __init__(self, name: str, limits: LimitedSeries) -> None:
        self._name, self._limits = name, limits
        self._values: dict[Labels, float] = {}

    def add(self, service: str, labels: Mapping[str, str], weight: float = 1.0) -> None:
        place = self._limits.place_of(service, labels, weight)
        self._values[place] = self._values.get(place, 0.0) + weight

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        for labels, value in self._values.items():
            yield (self._name, labels), value
        yield (OVERFLOWED, (("metric", self._name),)), self._limits.overflowed
