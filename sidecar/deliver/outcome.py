"""What became of a batch that was sent."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took it, all but `refused` of its items."""

    refused: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The receiver cannot take it now; the same batch may work after `after_seconds`."""

    reason: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """The receiver will never take this batch."""

    reason: str


Outcome: TypeAlias = Delivered | Retry | Rejected
