"""What one evaluation may hold in memory, and whether it may go on."""

from collections.abc import Callable
from typing import TypeAlias

from sidecar.model.errors import QueryError

Check: TypeAlias = Callable[[], None]
"""Raises QueryError when an evaluation is to end: its time is over, or nobody waits for it any more.

Called before every operator and between parts of long work, so that an evaluation ends soon after.
"""

SAMPLES_PER_SERIES = 128
"""What the labels of a series weigh, in samples of eight bytes."""


def unchecked() -> None:
    """Let an evaluation go on to its end."""


class Budget:
    """Counts the samples that all parts of an evaluation hold at the same time."""

    def __init__(self, max_samples: int, check: Check) -> None:
        self.held = 0
        self.check = check
        self._max_samples = max_samples

    def need(self, samples: int) -> None:
        """Raise QueryError when `samples` more are too many, or when the evaluation is to end."""
        self.check()
        if self.held + samples > self._max_samples:
            message = "query processing would load too many samples into memory in query execution"
            raise QueryError("execution", message)
