"""How a sender does, for the page."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class SenderStatus(NamedTuple):
    """What is known of one receiver: what waits for it, when it took something last, and why it fails, if it does."""

    receiver: str
    waiting: int
    taken_seconds_ago: float | None
    failing: str


@runtime_checkable
class Reporting(Protocol):
    """Whatever sends to receivers, and can say how that goes."""

    @property
    def statuses(self) -> Sequence[SenderStatus]:
        """How each does."""
        ...
