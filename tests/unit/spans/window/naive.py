"""The window one trace and one span at a time: what each span belongs to, by walking up."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_STEPS = 61
"""More than there are spans: who goes as far up goes in a circle."""


@dataclass(frozen=True)
class Sent:
    """A span as it is sent; an id of 0 is none. `seconds` tells spans apart, also those with one id."""

    trace: int
    span: int
    parent: int
    is_root: bool
    seconds: float
    query: str = ""


def parent_of(span: Sent, spans: Sequence[Sent]) -> Sent | None:
    """Return the span that has the id which `span` names as its parent; a local root if there are several.

    If that is its own id it is a local root or none.
    """
    found = [other for other in spans if other.trace == span.trace and other.span == span.parent and span.parent]
    found.sort(key=lambda other: not other.is_root)
    if not found or found[0] is span or (span.span == span.parent and not found[0].is_root):
        return None
    return found[0]


def root_of(span: Sent, spans: Sequence[Sent]) -> Sent | None:
    """Return the local root that `span` is below or is; None if none is there."""
    here: Sent | None = span
    for _ in range(MOST_STEPS):
        if here is None or here.is_root:
            return here
        here = parent_of(here, spans)
    return None


def nearest_above(span: Sent, which: Sequence[Sent], spans: Sequence[Sent]) -> Sent | None:
    """Return the first of `which` that is met on the way up from `span`, within the request; None if it is itself."""
    here = span
    for _ in range(MOST_STEPS):
        above = None if here.is_root else parent_of(here, spans)
        if above is None:
            return None
        if above in which:
            return None if above is span else above
        here = above
    return None
