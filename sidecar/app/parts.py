"""Parts: what the process is made of, as values that can be compared; and the pure plan from old parts to new ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from sidecar.runtime.component import Component


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
