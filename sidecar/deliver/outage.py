"""When a receiver stopped taking what it is sent, and when it took something again: each told once."""

from collections.abc import Callable
from typing import NamedTuple

from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events


class EndedOutage(NamedTuple):
    """An outage that ended: how long it was, and how many items were lost in it."""

    seconds: float
    lost: int


class Outage:
    """The outage of one receiver, from the first failure until it takes something; most of the time there is none.

    `failing` makes the event of the first failure from its reason, `recovered` the one of the end.
    """

    def __init__(
        self, clock: Clock, events: Events, failing: Callable[[str], Event], recovered: Callable[[EndedOutage], Event]
    ) -> None:
        self._clock = clock
        self._events = events
        self._failing = failing
        self._recovered = recovered
        self._since_seconds: float | None = None
        self._lost = 0
        self.reason = ""
        """Why the receiver failed last; empty when there is no outage, or nobody told of it."""

    @property
    def is_on(self) -> bool:
        """Whether the receiver failed, and took nothing since."""
        return self._since_seconds is not None

    def begin(self) -> bool:
        """Have an outage without telling of it; return whether there was none before."""
        if self._since_seconds is not None:
            return False
        self._since_seconds = self._clock.monotonic()
        self._lost = 0
        return True

    def failed(self, reason: str, lost: int = 0) -> None:
        """Note a failure, by which `lost` items are gone; the first one is told."""
        is_first = self.begin()
        self._lost += lost
        self.reason = reason
        if is_first:
            self._events.emit(self._failing(reason))

    def worked(self) -> None:
        """Note that the receiver took something, or answered that it never will; the end of an outage is told."""
        if self._since_seconds is not None:
            ended = EndedOutage(self._clock.monotonic() - self._since_seconds, self._lost)
            self._since_seconds = None
            self.reason = ""
            self._events.emit(self._recovered(ended))
