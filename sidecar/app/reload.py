"""Parts as values that can be compared, the pure plan from old parts to new ones, and how it is carried out.

Light: the first parts run before the rest is imported.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, NamedTuple

from sidecar.model.address import Address
from sidecar.runtime.component import Component, Listening
from sidecar.runtime.events import Event, Events
from sidecar.runtime.lifecycle import Tier, reason_of
from sidecar.runtime.meter import Meter

_GAUGE_NAMES = (
    ("sidecar_config_last_reload", ""),
    ("postgres_exporter_config_last_reload", "; postgres_exporter's name for it"),
)


class TierName(IntEnum):
    """The tiers, downstream first: they start in this order and stop in reverse."""

    API = 0
    DELIVER = 1
    JOBS = 2
    COLLECT = 3


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Part:
    """One component, not built yet. Two parts are equal when name, tier and `settings` are.

    `settings` is all that `make` depends on. `forget` is called when the part is gone for good, not when it is
    replaced.
    """

    name: str
    tier: TierName
    settings: object
    make: Callable[[], Component] = field(compare=False)
    forget: Callable[[], None] = field(default=_nothing, compare=False)


class Plan(NamedTuple):
    """What a reload does: stop these, then start those, then forget what is gone."""

    stop: tuple[Part, ...]
    start: tuple[Part, ...]
    forget: tuple[Part, ...]


def plan(old: Sequence[Part], new: Sequence[Part]) -> Plan:
    """Return the least that must be done: equal parts run on; upstream stops first, downstream starts first."""
    kept = [part for part in old if part in new]
    names = {(part.tier, part.name) for part in new}
    stop = sorted((part for part in old if part not in kept), key=lambda part: -part.tier)
    start = sorted((part for part in new if part not in kept), key=lambda part: part.tier)
    forget = tuple(part for part in old if (part.tier, part.name) not in names)
    return Plan(tuple(stop), tuple(start), forget)


@dataclass(frozen=True, slots=True)
class PartLost(Event):
    """A part of the old configuration could not be put back after a reload failed; the next reload tries again."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "`{part}` could not be put back: {error}."
    part: str
    error: str


class RunningParts:
    """The parts that run, in their tiers; `parts` is true at every moment, whatever failed."""

    def __init__(self, tiers: Mapping[TierName, Tier], events: Events) -> None:
        self.parts: tuple[Part, ...] = ()
        self._tiers = tiers
        self._events = events
        self._listening: dict[str, Listening] = {}

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Where each listener listens that runs, by the name of its part."""
        return {name: component.address for name, component in self._listening.items()}

    async def become(self, parts: Sequence[Part]) -> Plan:
        """Run `parts` instead of what runs now, touching only what differs.

        When one cannot start, the old ones are put back and its error is raised: what ran before runs again, and what
        did not is forgotten. An old part that cannot be put back is reported, and tried again at the next call.
        Cancelled, it leaves things as they are, for then everything is about to stop.
        """
        before = self.parts
        todo = plan(before, parts)
        tried: list[Part] = []
        try:
            for part in todo.stop:
                await self._stop(part)
            for part in todo.start:
                tried.append(part)
                await self._start(part)
        except Exception:
            await self._put_back(before)
            for part in plan(tried, before).forget:
                part.forget()
            raise
        for part in todo.forget:
            part.forget()
        return todo

    async def _put_back(self, before: Sequence[Part]) -> None:
        undo = plan(self.parts, before)
        for part in undo.stop:
            await self._stop(part)
        for part in undo.start:
            try:
                await self._start(part)
            except Exception as error:  # noqa: BLE001 - the edge: one part that stays away must not keep the others
                self._events.emit(PartLost(part.name, reason_of(error)))

    async def _start(self, part: Part) -> None:
        component = part.make()
        await self._tiers[part.tier].start(component)
        self.parts = (*self.parts, part)
        if isinstance(component, Listening):
            self._listening[part.name] = component

    async def _stop(self, part: Part) -> None:
        self.parts = tuple(running for running in self.parts if running is not part)
        self._listening.pop(part.name, None)
        await self._tiers[part.tier].stop(part.name)


class ReloadGauges:
    """The outcome of the last reload, also under the names that postgres_exporter has for it."""

    def __init__(self, meter: Meter) -> None:
        self._successful = [
            meter.gauge(f"{prefix}_successful", f"1 when the configuration last read is the one that runs{end}.")
            for prefix, end in _GAUGE_NAMES
        ]
        self._succeeded_at = [
            meter.gauge(f"{prefix}_success_timestamp_seconds", f"When one last came into force, Unix time{end}.")
            for prefix, end in _GAUGE_NAMES
        ]

    def succeeded(self, now: float) -> None:
        """Note that a configuration came into force at `now`, Unix time."""
        for gauge in self._successful:
            gauge.set(1)
        for gauge in self._succeeded_at:
            gauge.set(now)

    def failed(self) -> None:
        """Note that the one before goes on."""
        for gauge in self._successful:
            gauge.set(0)
