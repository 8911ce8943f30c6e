"""Work in steps small enough to let others run in between."""

from collections.abc import Generator, Iterator, Sequence
from typing import TypeAlias, TypeVar, cast

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work that gives something in the end. Whoever takes the steps decides what runs in between; all may be left off."""

STEP_SIZE = 250
"""How many samples or series are worked on in one step: the slowest work on one, a new row, takes 6 to 11 us."""


def finished(steps: Steps[T]) -> T:
    """Take all `steps` at once and return what they give."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("T", end.value)


def slices(items: Sequence[T], size: int = STEP_SIZE) -> Iterator[Sequence[T]]:
    """Yield `items` in slices of a step's work."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
