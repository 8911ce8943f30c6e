"""Exponential backoff with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import random


@dataclass(slots=True)
class Backoff:
    """Delays that double from `base_seconds` to `limit_seconds`, each jittered between half and all of itself.

    The jitter keeps replicas that lost the same database from coming back in step.
    """

    base_seconds: float = 1.0
    limit_seconds: float = 30.0
    chance: Callable[[], float] = random
    _attempt: int = field(default=0, init=False)

    def next_seconds(self) -> float:
        """Return how long to wait before the next attempt."""
        full = min(self.limit_seconds, self.base_seconds * 2.0 ** min(self._attempt, 32))
        self._attempt += 1
        return full * (0.5 + 0.5 * self.chance())

    def reset(self) -> None:
        """Start over: the last attempt worked."""
        self._attempt = 0
