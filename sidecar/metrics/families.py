"""Families of received metrics and their series, within limits and beside what the sidecar shows itself."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.layout import Layout
from sidecar.metrics.points import Value
from sidecar.metrics.refused import Refusal, Refused
from sidecar.metrics.series import Series, series_of, size_of
from sidecar.metrics.target import TARGET_INFO, Target
from sidecar.model.family import Family, sample_names
from sidecar.model.labels import Labels

RESERVED = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE", TARGET_INFO.name})
"""Names that rules know from the sidecar itself though no page has them, and the one that is made here."""


@dataclass(eq=False)
class MetricFamily:
    """A family and its series; `names` are those that its samples may have."""

    family: Family
    names: frozenset[str]
    layout: Layout
    series: dict[Labels, Series[Any]] = field(default_factory=dict)


class Families:
    """All families by name. What the first metric of a family says, its type and its description, is what it is.

    `ended` counts series that ended. `descriptions_differ` is called with families whose metrics do not say the same.
    """

    def __init__(self, config: OtlpMetricsConfig, descriptions_differ: Callable[[str], None]) -> None:
        self.ended = 0
        self._config = config
        self._descriptions_differ = descriptions_differ
        self._families: dict[str, MetricFamily] = {}
        self._owners: dict[str, MetricFamily] = {}
        self._targets: dict[Labels, Target] = {}
        self._series_samples = 0
        self._taken = RESERVED

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

    def begin(self, family: Family, labels: Labels, value: Value, target: Target) -> Series[Any] | Refusal:
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

    def _conflict(self, family: Family, held: MetricFamily | None) -> Refusal | None:
        """Return why `family` cannot be beside others."""
        names = sample_names(family.name, family.type)
        if not names.isdisjoint(self._taken):
            return Refusal(Refused.TAKEN, "is on /metrics from elsewhere, so what is received for it is dropped")
        owner = next((self._owners[name] for name in names if name in self._owners), held)
        if owner is None:
            has_room = len(self._families) < self._config.max_metrics
            return None if has_room else Refusal.by_limit(Refused.MAX_METRICS)
        if owner is held and held.family.type is family.type:
            self._descriptions_differ(family.name)
            return None
        problem = f"cannot be a {family.type}, there is the {owner.family.type} `{owner.family.name}`: it is dropped"
        return Refusal(Refused.TYPE, problem)

    def _no_room(self, held: MetricFamily, size: int, target: Target) -> Refusal | None:
        if len(held.series) >= self._config.max_series_per_metric:
            return Refusal.by_limit(Refused.MAX_SERIES_PER_METRIC)
        if target.samples + size > self._config.max_samples_per_resource:
            return Refusal.by_limit(Refused.MAX_SAMPLES_PER_RESOURCE)
        more = size + (target.identity not in self._targets)
        has_room = self.samples + more <= self._config.max_samples
        return None if has_room else Refusal.by_limit(Refused.MAX_SAMPLES)

    def _add(self, held: MetricFamily, series: Series[Any], size: int) -> Series[Any]:
        series.size = size
        self._families[series.name] = held
        self._owners.update(dict.fromkeys(held.names, held))
        self._targets[series.target.identity] = series.target
        held.series[series.labels] = series
        series.target.samples += size
        self._series_samples += size
        return series
