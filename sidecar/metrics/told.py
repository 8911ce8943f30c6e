"""What the log is told about received metrics: each thing once an hour, and not too many of them."""

from collections.abc import Callable
from typing import NamedTuple

AGAIN_SECONDS = 3600.0
MOST = 200
"""Things that are told in an hour: a sender may have a million metrics, each with something wrong."""


class Conflict(NamedTuple):
    """A metric that cannot be shown as it was sent; `problem` ends a sentence about its name."""

    family: str
    problem: str


Tell = Callable[[Conflict], None]


class Told:
    """Tells each conflict of a metric once in a while."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[tuple[str, str]] = set()
        self._since = 0.0

    def tell(self, key: tuple[str, str], conflict: Conflict, now: float) -> None:
        """Tell `conflict` at Unix time `now`, unless what `key` stands for was told already."""
        if abs(now - self._since) >= AGAIN_SECONDS:
            self._told.clear()
            self._since = now
        if key not in self._told and len(self._told) < MOST:
            self._told.add(key)
            self._tell(conflict)
