"""A body on its way to the upstream, in memory and on disk."""

from dataclasses import dataclass
from typing import NamedTuple

from sidecar.model.forward import SIGNALS, ForwardBody, Signal
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


def signal_of(label: str) -> Signal | None:
    """Return the signal of a body by what is written on it in the spill queue; None if it is none that we know."""
    return next((signal for signal in SIGNALS if signal == label.partition(" ")[0]), None)


def spilled_of(entry: Entry) -> Spilled:
    """Return the body as it is written to disk."""
    body = entry.body
    label = f"{body.signal} {body.content_type}"
    return Spilled(entry.id, f"{label} {_MASKED}" if body.is_masked else label, body.body)


def entry_of(spilled: Spilled, now: float, tries: Tries) -> Entry | None:
    """Return a body that was read from disk at `now`, by the monotonic clock; None if we cannot know what it is.

    That is what a newer version may have left, which knows more signals.
    """
    signal, (content_type, *marks) = signal_of(spilled.label), [*spilled.label.split(" ")[1:], ""]
    if signal is None or not content_type:
        return None
    return Entry(spilled.id, ForwardBody(signal, content_type, spilled.body, _MASKED in marks), now, tries)
