"""Telling that the clock went back, which explains values that are gone."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class ClockSetBack(Event):
    """The clock was ahead and is right again, or is wrong now: what came at later times than it says is forgotten."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "The clock went back by {seconds:.0f} s: rules and queries forget what came meanwhile."
    identity: ClassVar[tuple[str, ...]] = ()
    seconds: float
