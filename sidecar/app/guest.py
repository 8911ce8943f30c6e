"""What an app exposes beside what the sidecar shows itself: no series twice, no family of two types."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from typing_extensions import override

from sidecar.model.family import FamilySamples, MetricType
from sidecar.model.labels import EMPTY, Labels, with_target
from sidecar.model.sample import SampleBatch
from sidecar.runtime.events import Event, Events

Types = Mapping[str, MetricType]


@dataclass(frozen=True, slots=True)
class FamilyLeftOut(Event):
    """A family of an app cannot stand on /metrics; told once."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: `{family}` is left out of /metrics: it is a {type} in the app, and a {other_type} there."
    )
    target: str
    family: str
    type: str
    other_type: str

    @override
    def key(self) -> str:
        """Return target and family."""
        return f"{self.target} {self.family}"


class Guest:
    """The families of one app target, on /metrics only if `merge`.

    A family that another source shows on /metrics carries `target="<name>"`, there and in the head alike. If its type
    is another one there, it is left out of /metrics; the head, which knows no types, keeps it.
    """

    def __init__(self, merge: bool, events: Events) -> None:
        self._merge = merge
        self._events = events
        self._batch = SampleBatch("", 0, EMPTY, ())
        self._shared: Types = {}
        self._told: set[str] = set()

    def receive(self, batch: SampleBatch, others: Types) -> SampleBatch:
        """Return `batch` as the head is to have it; `others` are the families that other sources show."""
        self._batch = batch
        self._shared = _shared(batch, others)
        return _set_apart(batch, self._shared)

    def makes_way(self, others: Types) -> bool:
        """Return whether the page is another one, now that `others` are what other sources show."""
        before = self._shared
        self._shared = _shared(self._batch, others)
        return self._shared != before

    def page(self) -> Sequence[FamilySamples]:
        """Return what /metrics shows of the batch received last."""
        if not self._merge:
            return ()
        return [given for given in _set_apart(self._batch, self._shared).families if self._fits(given)]

    def _fits(self, given: FamilySamples) -> bool:
        family = given.family
        other = self._shared.get(family.name, family.type)
        if other is not family.type and family.name not in self._told:
            self._told.add(family.name)
            self._events.emit(FamilyLeftOut(self._batch.source, family.name, family.type.value, other.value))
        return other is family.type


def _shared(batch: SampleBatch, others: Types) -> Types:
    names = [given.family.name for given in batch.families]
    return {name: others[name] for name in names if name in others}


def _set_apart(batch: SampleBatch, shared: Types) -> SampleBatch:
    """Return `batch` with its extra labels, or else the name of its target on the families that are `shared`."""
    if batch.extra:
        return batch.with_extra_labels()
    own: Labels = (("target", batch.source.partition("/")[2]),)
    families = [_labelled(given, own) if given.family.name in shared else given for given in batch.families]
    return replace(batch, families=families)


def _labelled(given: FamilySamples, own: Labels) -> FamilySamples:
    samples = [sample._replace(labels=with_target(sample.labels, own)) for sample in given.samples]
    return given._replace(samples=samples)
