"""Work in steps small enough to let others run in between."""

from collections.abc import Generator, Iterator, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work that gives something in the end. Whoever takes the steps decides what runs in between; all may be left off."""

STEP_SIZE = 250
"""How many samples or series are worked on in one step: the slowest work on one, a new row, takes 6 to 11 us."""


class End(NamedTuple, Generic[T]):
    """What steps gave when there were no more."""

    value: T


def step(steps: Steps[T]) -> End[T] | None:
    """Take the next of `steps`; None as long as there may be more."""
    try:
        next(steps)
    except StopIteration as end:
        return End(end.value)
    return None


def finished(steps: Steps[T]) -> T:
    """Take all `steps` at once and return what they give."""
    while (end := step(steps)) is None:
        pass
    return end.value


def slices(items: Sequence[T], size: int = STEP_SIZE) -> Iterator[Sequence[T]]:
    """Yield `items` in slices of a step's work."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
