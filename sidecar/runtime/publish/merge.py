"""What an app exposes beside what the sidecar shows itself: no series twice, no family of two types."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sidecar.model.family import FamilySamples, MetricType
from sidecar.model.labels import EMPTY, Labels
from sidecar.model.sample import SampleBatch, in_parts, labelled
from sidecar.model.steps import Steps
from sidecar.model.target import TargetName
from sidecar.runtime.events import Event, Events

Types = Mapping[str, MetricType]


@dataclass(frozen=True, slots=True)
class FamilyLeftOut(Event):
    """A family of an app cannot stand on /metrics; told once."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: `{family}` is left out of /metrics: it is a {type} in the app, and a {other_type} there."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "family")
    target: str
    family: str
    type: str
    other_type: str


class Merged(NamedTuple):
    """A batch beside what other sources show: the families they have too, and its own in parts, labelled."""

    batch: SampleBatch
    shared: Types
    families: Sequence[FamilySamples]


class AppFamilies:
    """The families of one app target, on /metrics only if `on_page`; `shown` is what stands there.

    A family that another source shows on /metrics carries `target="<name>"`, there and in the head alike. If its type
    is another one there, it is left out of /metrics; the head, which knows no types, keeps it.
    """

    def __init__(self, on_page: bool, events: Events) -> None:
        self._on_page = on_page
        self._events = events
        self._reported: set[str] = set()
        self.shown = Merged(SampleBatch("", 0, EMPTY, ()), {}, ())

    def merge(self, batch: SampleBatch, others: Types) -> Steps[Merged]:
        """Return `batch` as the head is to have it; `others` are the families that other sources show."""
        shared = _shared(batch, others)
        own: Labels = (("target", TargetName.parse(batch.source).name),)
        families = []
        for part in in_parts(batch.families):
            families.append(labelled(part, batch.extra or (own if part.family.name in shared else EMPTY)))
            yield
        return Merged(batch, shared, families)

    def merge_again(self, others: Types) -> Steps[Merged | None]:
        """Return what to show instead, now that `others` are what other sources show; None if it stays the same."""
        if _shared(self.shown.batch, others) == self.shown.shared:
            return None
        return (yield from self.merge(self.shown.batch, others))

    def page(self, merged: Merged) -> Sequence[FamilySamples]:
        """Return what /metrics shows of it."""
        return [given for given in merged.families if self._fits(given, merged)] if self._on_page else ()

    def _fits(self, given: FamilySamples, merged: Merged) -> bool:
        family = given.family
        other = merged.shared.get(family.name, family.type)
        if other is not family.type and family.name not in self._reported:
            self._reported.add(family.name)
            self._events.emit(FamilyLeftOut(merged.batch.source, family.name, family.type.value, other.value))
        return other is family.type


def _shared(batch: SampleBatch, others: Types) -> Types:
    names = [given.family.name for given in batch.families]
    return {name: others[name] for name in names if name in others}
