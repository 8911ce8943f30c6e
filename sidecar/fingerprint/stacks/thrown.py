"""What all languages' stack traces have in common."""

import re
from collections.abc import Iterable
from typing import NamedTuple


class Frame(NamedTuple):
    """A call: the end of its file's path or its class, and the function, without what differs between builds."""

    place: str
    function: str
    in_app: bool
    """Whether the code is neither the language's own nor that of an installed package."""


class Thrown(NamedTuple):
    """One exception of a stack trace; its frames are distinct and in sequence, the innermost first."""

    type: str
    frames: tuple[Frame, ...]
    members: tuple["Thrown", ...] = ()
    """The exceptions of a group, such as Python's ExceptionGroup."""


Chain = tuple[Thrown, ...]
"""An exception, and after it the one that it was caused by, and so on."""


def distinct(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Return `frames` without repetitions: how deep a recursion was does not matter."""
    return tuple(dict.fromkeys(frames))


def file_end(path: str) -> str:
    """Return the last two segments of `path`, which stay the same wherever the program is installed."""
    return "/".join(path.replace("\\", "/").rsplit("/", 2)[-2:])


def bare(type_name: str) -> str:
    """Return the last part of a qualified name: some senders qualify and some do not."""
    return re.split(r"[.:/\\$+]", type_name.strip().rstrip(".:"))[-1]
