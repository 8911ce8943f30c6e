"""Telling that the head refuses series of a source, which rules and queries then do not see."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event

QUIET_SECONDS = 600.0
"""How long nothing of a source must have been refused until it is told again."""


@dataclass(frozen=True, slots=True)
class SeriesRefused(Event):
    """A source has more series than there is room for; told once, until all of them have fitted for ten minutes."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Source `{source}` has {samples} samples too many for `head.max_series`: rules and queries do not see them, "
        "/metrics shows them."
    )
    identity: ClassVar[tuple[str, ...]] = ("source",)
    source: str
    samples: int


class RefusedSeries:
    """Takes what the head refuses, batch by batch, and tells about each source once."""

    def __init__(self, emit: Callable[[Event], None], monotonic: Callable[[], float]) -> None:
        self._emit = emit
        self._monotonic = monotonic
        self._last: dict[str, float] = {}

    def note(self, source: str, samples: int) -> None:
        """Take that a batch of `source` lost `samples` to the limit; sources are as many as there are targets."""
        now = self._monotonic()
        self._last = {name: at for name, at in self._last.items() if now - at < QUIET_SECONDS}
        if source not in self._last:
            self._emit(SeriesRefused(source, samples))
        self._last[source] = now
