"""What became of a batch that was sent."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeAlias

from sidecar.runtime.ending import tells_to_end
from sidecar.runtime.lifecycle import reason_of


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


async def outcome_of(sending: Awaitable[Outcome]) -> Outcome:
    """Return what became of a batch; whatever goes wrong with one is a Retry, and never the end of sending."""
    try:
        return await sending
    except BaseException as error:
        if tells_to_end(error):
            raise
        is_cancelled = isinstance(error, asyncio.CancelledError)
        return Retry("the request was cancelled" if is_cancelled else reason_of(error))
