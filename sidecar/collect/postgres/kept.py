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

FIRST_RETRY_SECONDS = 15.0
"""Until a view that failed is asked again, and twice as long each time after that: what it asks for is dear."""


@dataclass(slots=True)
class _Kept:
    """What one view gave last, `at` when, and when it is due again."""

    families: Sequence[FamilySamples] = ()
    at: float | None = None
    succeeded: bool = False
    due_at: float = 0.0
    retry_seconds: float = FIRST_RETRY_SECONDS


class KeptValues:
    """What views with `every_seconds` gave last, by view and database (None: the DSN's); times in seconds."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None], _Kept] = {}

    def is_due(self, view: View, database: str | None, now: float) -> bool:
        """Return whether `view` must be asked; one that failed is asked again ever later, up to its own interval.

        One without `every_seconds`, of which nothing is remembered, always is.
        """
        kept = self._kept.get((view.name, database))
        return kept is None or now >= kept.due_at

    def succeeded(self, view: View, database: str | None) -> bool:
        """Return whether `view` gave its values when it was asked last."""
        return self._kept[view.name, database].succeeded

    def ask(self, view: View, database: str | None, now: float) -> None:
        """Take note that `view` is being asked: it failed unless `keep` follows."""
        kept = self._kept.setdefault((view.name, database), _Kept())
        kept.succeeded = False
        kept.due_at = now + min(kept.retry_seconds, view.schedule.every_seconds)
        kept.retry_seconds = min(kept.retry_seconds * 2, view.schedule.every_seconds)

    def keep(self, view: View, database: str | None, families: Sequence[FamilySamples], now: float) -> None:
        """Remember what `view` gave, asked at `now`."""
        self._kept[view.name, database] = _Kept(families, now, succeeded=True, due_at=now + view.schedule.every_seconds)

    def families(self, now: float) -> Iterable[FamilySamples]:
        """Return the last values of every view and their age; nothing of one that never gave any."""
        for (name, database), kept in self._kept.items():
            if kept.at is not None:
                yield from kept.families
                labels = {"collector": name, "datname": database or ""}
                yield FamilySamples(AGE, [Sample(AGE.name, labels_of(labels), now - kept.at)])

    def forget_all_but(self, databases: Iterable[str]) -> None:
        """Forget databases that are not there any more."""
        there = {None, *databases}
        self._kept = {key: kept for key, kept in self._kept.items() if key[1] in there}
