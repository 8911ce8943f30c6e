"""Families of received metrics and their series, within limits and beside what the sidecar shows itself."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.layout import Layout
from sidecar.metrics.points import Value
from sidecar.metrics.refused import Refused
from sidecar.metrics.series import Series, series_of, size_of
from sidecar.metrics.target import TARGET_INFO, Target
from sidecar.model.family import Family, sample_names
from sidecar.model.labels import Labels

RESERVED = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE", TARGET_INFO.name})
"""Names that rules know from the sidecar itself though no page has them, and the one that is made here."""


class Conflict(NamedTuple):
    """A metric that does not go with what is there already; `problem` ends a sentence about its family."""

    family: str
    problem: str


Tell = Callable[[Conflict], None]


@dataclass(eq=False)
class MetricFamily:
    """A family and its series; `names` are those that its samples may have."""

    family: Family
    names: frozenset[str]
    layout: Layout
    series: dict[Labels, Series[Any]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


class Families:
    """All families by name. What the first metric of a family says, its type and its description, is what it is.

    `tell` is called once for each conflict of a family. `ended` counts series that ended.
    """

    def __init__(self, config: OtlpMetricsConfig, tell: Tell) -> None:
        self.ended = 0
        self._config = config
        self._tell = tell
        self._families: dict[str, MetricFamily] = {}
        self._owners: dict[str, MetricFamily] = {}
        self._targets: dict[Labels, Target] = {}
        self._series_samples = 0
        self._taken = RESERVED
        self._told: set[str] = set()

    @property
    def samples(self) -> int:
        """How many samples all series may become, with the target_info of their resources."""
        return self._series_samples + len(self._targets)

    @property
    def targets(self) -> Sequence[Target]:
        """The resources that have series."""
        return list(self._targets.values())

    def all(self) -> Sequence[MetricFamily]:
        """Return the families that there are now."""
        return list(self._families.values())

    def meet(self, target: Target) -> Target:
        """Return the target of the same identity, if there is one already, with what its resource says now."""
        known = self._targets.get(target.identity, target)
        known.info = target.info
        return known

    def find(self, family: Family, labels: Labels) -> Series[Any] | None:
        """Return the series with `labels` of `family`."""
        held = self._families.get(family.name)
        return held.series.get(labels) if held and held.family.type is family.type else None

    def begin(self, family: Family, labels: Labels, value: Value, target: Target) -> Series[Any] | Refused:
        """Return a new series of `value`, or why there cannot be one; an old one with the same labels ends."""
        held = self._families.get(family.name)
        refused = self._conflict(family, held) if held is None or held.family != family else None
        if refused:
            return refused
        if held is not None and labels in held.series:
            self.end(held.series[labels])
        layout = Layout(self._config.exponential_buckets)
        held = self._families.get(family.name) or MetricFamily(family, sample_names(family.name, family.type), layout)
        target = self._targets.get(target.identity, target)
        size = size_of(value, held.layout)
        refused = self._no_room(held, size, target)
        if refused:
            return refused
        return self._add(held, series_of(family.name, labels, value, target, held.layout), size)

    def end(self, series: Series[Any]) -> None:
        """Show `series` no more, and give back what it took."""
        held = self._families[series.name]
        del held.series[series.labels]
        series.ended = True
        self.ended += 1
        self._series_samples -= series.size
        series.target.samples -= series.size
        if not series.target.samples:
            del self._targets[series.target.identity]
        if not held.series:
            del self._families[series.name]
            for name in held.names:
                del self._owners[name]

    def expire(self, held: MetricFamily, before: float) -> None:
        """End the series of `held` whose last data point came before Unix time `before`."""
        for series in [series for series in held.series.values() if series.seen_at < before]:
            self.end(series)

    def give_way(self, taken: Collection[str]) -> None:
        """End the families that could have a sample called as one of `taken`, and have none of them from now on."""
        self._taken = RESERVED.union(taken)
        for held in self.all():
            if not held.names.isdisjoint(self._taken):
                for series in list(held.series.values()):
                    self.end(series)

    def _conflict(self, family: Family, held: MetricFamily | None) -> Refused | None:
        """Return why `family` cannot be beside others; tell conflicts that were not told yet."""
        names = sample_names(family.name, family.type)
        if not names.isdisjoint(self._taken):
            self._tell_once(self._told, family, "is on /metrics from elsewhere, so what is received for it is dropped")
            return Refused.TAKEN
        owner = next((self._owners[name] for name in names if name in self._owners), held)
        if owner is None:
            return None if len(self._families) < self._config.max_metrics else Refused.MAX_METRICS
        if owner is held and held.family.type is family.type:
            self._tell_once(held.told, family, "has metrics with different descriptions, of which the first stays")
            return None
        problem = f"cannot be a {family.type}, there is the {owner.family.type} `{owner.family.name}`: it is dropped"
        self._tell_once(owner.told, family, problem)
        return Refused.TYPE

    def _tell_once(self, told: set[str], family: Family, problem: str) -> None:
        key = f"{family.name} {problem}"
        if key not in told and len(told) < self._config.max_metrics:
            told.add(key)
            self._tell(Conflict(family.name, problem))

    def _no_room(self, held: MetricFamily, size: int, target: Target) -> Refused | None:
        if len(held.series) >= self._config.max_series_per_metric:
            return Refused.MAX_SERIES_PER_METRIC
        if target.samples + size > self._config.max_samples_per_resource:
            return Refused.MAX_SAMPLES_PER_RESOURCE
        more = size + (target.identity not in self._targets)
        return Refused.MAX_SAMPLES if self.samples + more > self._config.max_samples else None

    def _add(self, held: MetricFamily, series: Series[Any], size: int) -> Series[Any]:
        series.size = size
        self._families[series.name] = held
        self._owners.update(dict.fromkeys(held.names, held))
        self._targets[series.target.identity] = series.target
        held.series[series.labels] = series
        series.target.samples += size
        self._series_samples += size
        return series
