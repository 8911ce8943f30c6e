"""How many series derived metrics may have."""

from typing import NamedTuple


class Limits(NamedTuple):
    """How many services a metric has, how many label sets each of them, and how many samples a label set is.

    A label set that was not seen for `expire_after_seconds` goes; 0 keeps it forever.
    """

    services: int
    series_per_service: int
    samples_per_series: int
    expire_after_seconds: float


class Budget:
    """Samples that all metrics of a pipeline may have together."""

    def __init__(self, samples: int) -> None:
        self.left = samples

    def take(self, samples: int) -> bool:
        """Take `samples` if there are as many left; return whether."""
        if samples > self.left:
            return False
        self.left -= samples
        return True

    def give_back(self, samples: int) -> None:
        """Return `samples` that were taken."""
        self.left += samples

    def split(self, samples: int) -> "Budget":
        """Return a budget of its own of at most `samples`, taken from this one."""
        samples = min(samples, self.left)
        self.left -= samples
        return Budget(samples)
