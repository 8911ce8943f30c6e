"""A limit for what a view shows by names that clients choose: databases, roles, applications, slots."""

from collections.abc import Iterable, Sequence

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

OTHER = "other"
"""The value of every label of the series that is the sum of those not shown."""

MOST = 1000
"""Label sets that a view without a limit of its own shows."""

SUMMED = Family(
    "sidecar_pg_label_sets_summed",
    MetricType.GAUGE,
    f"Label sets of a collector over the limit of {MOST}: their numbers are summed as `{OTHER}`, or left out where a "
    "sum tells nothing.",
    ("collector",),
)

_ENUMERATED = frozenset({"backend_type", "mode", "state", "wait_event_type"})
"""Labels with few values, which the server gives: they stay as they are where the others are summed."""

_ADDING_UP = frozenset(
    {"pg_database_size_bytes", "pg_locks_count", "pg_stat_activity_count", "pg_stat_database_numbackends"}
)
"""Gauges whose sum tells something; every counter's does."""

_GREATEST = frozenset({"pg_stat_activity_max_tx_duration"})
"""Gauges of which the greatest stands for all."""


class BoundedLabelSets:
    """Cuts what the views of one target show; what was shown at the last scrape stays before what is new.

    `summed` is how many label sets of each view are not shown now.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._last: dict[str, Sequence[FamilySamples]] = {}
        self.summed: dict[str, int] = {}

    def bounded(self, view: str, families: Sequence[FamilySamples]) -> Sequence[FamilySamples]:
        """Return `families` of `view` with as many label sets as are shown, and the rest summed."""
        self.summed[view] = 0
        result = families
        if any(len(given.samples) > self._most for given in families):
            shown = self._choose(families, self._last.get(view, ()))
            result = [_cut(given, shown) for given in families]
            self.summed[view] = len(_weights(families).keys() - shown)
        self._last[view] = result
        return result

    def families(self) -> Iterable[FamilySamples]:
        """Return how many label sets are not shown."""
        samples = [Sample(SUMMED.name, (("collector", view),), float(count)) for view, count in self.summed.items()]
        yield FamilySamples(SUMMED, samples)

    def _choose(self, families: Sequence[FamilySamples], last: Sequence[FamilySamples]) -> frozenset[Labels]:
        """Return the label sets to show: those shown before, and then those with the greatest numbers."""
        weights, before = _weights(families), _weights(last)
        best = sorted(weights, key=lambda labels: (labels not in before, -weights[labels], labels))
        return frozenset(best[: self._most])


def _named(sample: Sample) -> Labels:
    """Return the labels of a sample whose values have no end."""
    return tuple(pair for pair in sample.labels if pair[0] not in _ENUMERATED)


def _weights(families: Iterable[FamilySamples]) -> dict[Labels, float]:
    weights: dict[Labels, float] = {}
    for given in families:
        for sample in given.samples:
            key = _named(sample)
            weights[key] = max(weights.get(key, 0.0), sample.value)
    return weights


def _cut(given: FamilySamples, shown: frozenset[Labels]) -> FamilySamples:
    family = given.family
    kept = [sample for sample in given.samples if _named(sample) in shown]
    if family.type is not MetricType.COUNTER and family.name not in _ADDING_UP | _GREATEST:
        return FamilySamples(family, kept)
    rest: dict[tuple[str, Labels], float] = {}
    for sample in given.samples:
        if _named(sample) not in shown:
            labels = labels_of((name, value if name in _ENUMERATED else OTHER) for name, value in sample.labels)
            before = rest.get((sample.name, labels), 0.0)
            together = max(before, sample.value) if family.name in _GREATEST else before + sample.value
            rest[sample.name, labels] = together
    return FamilySamples(family, [*kept, *(Sample(name, labels, value) for (name, labels), value in rest.items())])
