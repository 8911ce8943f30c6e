"""A body on its way to the upstream, in memory and on disk."""

from dataclasses import dataclass
from typing import NamedTuple, cast

from sidecar.model.forward import ForwardBody, Signal
from sidecar.runtime.state.spilled import Spilled


class Tries(NamedTuple):
    """How often a body was sent in vain, and since when, by the monotonic clock."""

    number: int
    since_seconds: float


NO_TRIES = Tries(0, 0.0)
_MASKED = "masked"


@dataclass(slots=True, eq=False)
class Entry:
    """A body on its way; ids grow with time, also from one process to the next."""

    id: int
    body: ForwardBody
    came_at_seconds: float
    tries: Tries = NO_TRIES

    @property
    def size(self) -> int:
        """Length of the body."""
        return len(self.body.body)


def signal_of(label: str) -> Signal:
    """Return the signal of a body by what is written on it in the spill queue."""
    return cast("Signal", label.partition(" ")[0])


def spilled_of(entry: Entry) -> Spilled:
    """Return the body as it is written to disk."""
    body = entry.body
    label = f"{body.signal} {body.content_type}"
    return Spilled(entry.id, f"{label} {_MASKED}" if body.is_masked else label, body.body)


def entry_of(spilled: Spilled, now: float, tries: Tries) -> Entry:
    """Return a body that was read from disk at `now`, by the monotonic clock."""
    _, content_type, *marks = spilled.label.split(" ")
    body = ForwardBody(signal_of(spilled.label), content_type, spilled.body, _MASKED in marks)
    return Entry(spilled.id, body, now, tries)
