"""The mutes that are in force."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sidecar.rules.mutes.config import MuteConfig
from sidecar.rules.mutes.interval import TimeInterval
from sidecar.rules.mutes.matchers import parse_matcher


class MuteState(StrEnum):
    """Whether a mute holds: it does, it does outside of this time, or never again."""

    ACTIVE = "active"
    WAITING = "waiting"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Mute:
    """One mute, ready to be asked."""

    config: MuteConfig
    tests: Sequence[tuple[str, Callable[[str], bool]]]
    intervals: Sequence[TimeInterval]
    end_ms: float

    @staticmethod
    def of(config: MuteConfig) -> "Mute":
        """Return the mute that `config` describes."""
        end_ms = config.ends_at.timestamp() * 1000 if config.ends_at else math.inf
        matchers = [parse_matcher(text) for text in config.matchers]
        tests = [(matcher.name, matcher.predicate()) for matcher in matchers]
        return Mute(config, tests, [window.interval() for window in config.windows], end_ms)

    def state(self, at_ms: int) -> MuteState:
        """Return whether it holds at a Unix time in milliseconds."""
        if at_ms >= self.end_ms:
            return MuteState.OVER
        holds = not self.intervals or any(interval.holds(at_ms) for interval in self.intervals)
        return MuteState.ACTIVE if holds else MuteState.WAITING

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether it is about alerts with these labels."""
        return all(test(labels.get(name, "")) for name, test in self.tests)


class Mutes:
    """All mutes, as the configuration in force has them."""

    def __init__(self) -> None:
        self.all: Sequence[Mute] = ()

    def configure(self, configs: Sequence[MuteConfig]) -> None:
        """Have these mutes and no other."""
        self.all = [Mute.of(config) for config in configs]

    def get(self, name: str) -> Mute | None:
        """Return the mute of that name."""
        return next((mute for mute in self.all if mute.config.name == name), None)

    def is_muted(self, labels: Mapping[str, str], at_ms: int) -> bool:
        """Return whether alerts with these labels are muted at a Unix time in milliseconds."""
        return any(mute.matches(labels) and mute.state(at_ms) is MuteState.ACTIVE for mute in self.all)
