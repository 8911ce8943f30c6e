"""What a sink did not take of a batch, and why."""

from collections import Counter
from collections.abc import Mapping

MOST_REASONS = 10
"""Reasons that are told of a request; what is the same over and over is one."""


class Refusals(int):
    """How many items were not taken.

    `invalid` of them were refused for what they are, the others because a limit was reached. `reasons` are for the
    sender, each with how many items it is about; only the first ones are there.
    """

    invalid: int
    reasons: Mapping[str, int]

    @classmethod
    def of(cls, limited: int, invalid: int, reasons: Mapping[str, int]) -> "Refusals":
        """Return the sum of both, with the reasons."""
        found = cls(limited + invalid)
        found.invalid, found.reasons = invalid, dict(reasons)
        return found


class RefusalSum:
    """Adds up what a sink says of the batches of a request."""

    def __init__(self) -> None:
        self.count = 0
        self.invalid = 0
        self.reasons: Counter[str] = Counter()

    def add(self, refused: int) -> None:
        """Add what a sink said of a batch."""
        self.count += refused
        if isinstance(refused, Refusals):
            self.invalid += refused.invalid
            for reason, count in refused.reasons.items():
                if reason in self.reasons or len(self.reasons) < MOST_REASONS:
                    self.reasons[reason] += count
