"""Last values of the views that are asked seldom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidecar.collect.postgres.view import View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

AGE = Family(
    "sidecar_pg_collector_age_seconds",
    MetricType.GAUGE,
    "Age of the values of a collector that is asked seldom.",
    ("collector", "datname"),
)


@dataclass(frozen=True, slots=True)
class _Values:
    families: Sequence[FamilySamples]
    at: float


class KeptValues:
    """What views with `every_seconds` gave last, by view and database (None: the whole server); times in seconds."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str | None], _Values] = {}

    def is_due(self, view: View, database: str | None, now: float) -> bool:
        """Return whether `view` must be asked; one that failed is asked again each time until it succeeds."""
        values = self._values.get((view.name, database))
        return values is None or now - values.at >= view.every_seconds

    def keep(self, view: View, database: str | None, families: Sequence[FamilySamples], now: float) -> None:
        """Remember what `view` gave."""
        self._values[view.name, database] = _Values(families, now)

    def families(self, view: View, database: str | None, now: float) -> Iterable[FamilySamples]:
        """Return the last values of `view` and their age; nothing if it never gave any."""
        values = self._values.get((view.name, database))
        if values is not None:
            yield from values.families
            labels = {"collector": view.name, "datname": database or ""}
            yield FamilySamples(AGE, [Sample(AGE.name, labels_of(labels), now - values.at)])

    def forget_all_but(self, databases: Iterable[str]) -> None:
        """Forget databases that are not there any more."""
        there = {None, *databases}
        self._values = {key: values for key, values in self._values.items() if key[1] in there}
