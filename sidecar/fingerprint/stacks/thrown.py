"""What all languages' stack traces have in common."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from sidecar.fingerprint.stacks.code import Code


class Frame(NamedTuple):
    """A call: the end of its file's path or its class, and the function, without what differs between builds."""

    place: Code
    function: Code
    in_app: bool
    """Whether the code is neither the language's own nor that of an installed package."""
    is_named: bool = True
    """Whether the function has a name of its own, which a lambda or the top of a file has not."""


class Thrown(NamedTuple):
    """One exception of a stack trace; its frames are distinct and in sequence, the innermost first."""

    type: str
    frames: tuple[Frame, ...]
    members: tuple["Thrown", ...] = ()
    """The exceptions of a group, such as Python's ExceptionGroup."""


Chain = tuple[Thrown, ...]
"""An exception, and after it the one that it was caused by, and so on."""


_REMEMBERED, _REMEMBERED_LENGTH = 1024, 400


def remembered(frame_of: Callable[..., Frame | None]) -> Callable[..., Frame | None]:
    """Return `frame_of`, which makes a frame of texts, with a memory: most calls are in most stack traces."""
    known = lru_cache(_REMEMBERED)(frame_of)

    def call(*texts: str) -> Frame | None:
        return known(*texts) if sum(map(len, texts)) <= _REMEMBERED_LENGTH else frame_of(*texts)

    return call


def distinct(frames: Iterable[Frame | None]) -> tuple[Frame, ...]:
    """Return `frames` without repetitions and gaps: how deep a recursion was does not matter."""
    return tuple(dict.fromkeys(frame for frame in frames if frame is not None))
