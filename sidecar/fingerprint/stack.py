"""Which errors are the same problem: by what was thrown and where, not by when, for whom and in which build."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from sidecar.fingerprint.digest import digest
from sidecar.fingerprint.message import normalised
from sidecar.fingerprint.stacks import dotnet, go, java, javascript, python
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, bare

HEAD, TAIL = 4 << 10, 12 << 10
"""Characters of a longer stack trace that are looked at, from its start and its end."""
_FRAMES = 3
_CAUSES = 4
"""Causes that tell: the outermost and innermost of a longer chain."""
_MEMBERS = 8
_BOUNDLESS = frozenset({"RecursionError", "StackOverflowError", "StackOverflowException"})
"""Where these happen among the calls of a circle is chance."""

_DIGITS = re.compile(r"\d+")

_PARSERS: Mapping[str, Callable[[str], Chain]] = {
    "python": python.chain_of,
    "java": java.chain_of,
    "nodejs": javascript.chain_of,
    "webjs": javascript.chain_of,
    "go": go.chain_of,
    "dotnet": dotnet.chain_of,
}
"""By the values of `telemetry.sdk.language`."""


class ErrorText(NamedTuple):
    """An error as it was reported; what is not known is empty. `language` is `telemetry.sdk.language`."""

    type: str
    message: str
    stack: str = ""
    language: str = ""
    place: str = ""
    """What tells errors apart that have neither a stack trace nor an exception, such as the name of the span."""


class Grouping(NamedTuple):
    """What an error is grouped under."""

    fingerprint: str
    frames: tuple[Frame, ...]
    """The frames that decided, the innermost first; of a chain, those of the outermost exception that has any."""
    by_message: bool = False
    """Whether the message was needed to decide."""


def grouping_of(service: str, error: ErrorText, explicit: str = "") -> Grouping:
    """Return the group of `error` of `service`; `explicit` is a fingerprint that the app has set itself.

    Decided by the types and the three innermost frames of the app's own code of the exception and each of its causes;
    without such frames by the innermost ones and the message without its values; without any by type and message. The
    exceptions of a group count each once, in any sequence.
    """
    chain = chain_of(error.stack, error.language)
    frames = next((found for thrown in chain if (found := _telling(thrown))), ())
    if explicit:
        return Grouping(digest(["explicit", service, explicit]), frames)
    parts = [*_parts_of_chain(chain)]
    by_message = not frames
    if by_message:
        frames = next((thrown.frames[:_FRAMES] for thrown in chain if thrown.frames), ())
        parts = [*_lines(frames), normalised(error.message), _DIGITS.sub("", error.place)]
    kind = bare(error.type or (chain[0].type if chain else ""))
    return Grouping(digest([service, kind, *parts]), frames, by_message)


def chain_of(stack: str, language: str) -> Chain:
    """Return what `stack` says was thrown, the outermost first; a language that is not known is found out."""
    if not stack:
        return ()
    if len(stack) > HEAD + TAIL:
        stack = f"{stack[:HEAD]}\n{stack[-TAIL:]}"
    parser = _PARSERS.get(language)
    return parser(stack) if parser else max((parse(stack) for parse in _PARSERS.values()), key=_size)


def _parts_of_chain(chain: Chain) -> Iterator[str]:
    links = [*dict.fromkeys("\n".join(_parts(thrown, number > 0)) for number, thrown in enumerate(chain))]
    yield from links if len(links) <= _CAUSES else (*links[:2], *links[-2:])


def _parts(thrown: Thrown, with_type: bool) -> Iterator[str]:
    if with_type:
        yield bare(thrown.type)
    lines = _lines(_own(thrown))
    yield from sorted(lines) if bare(thrown.type) in _BOUNDLESS else lines
    yield from sorted({"\n".join(_parts(member, True)) for member in thrown.members})[:_MEMBERS]


def _telling(thrown: Thrown) -> tuple[Frame, ...]:
    """Return the frames that tell where something was thrown; of a group without any, those of a member."""
    return _own(thrown) or next((found for member in thrown.members if (found := _telling(member))), ())


def _own(thrown: Thrown) -> tuple[Frame, ...]:
    return tuple(frame for frame in thrown.frames if frame.in_app)[:_FRAMES]


def _lines(frames: Iterable[Frame]) -> Iterator[str]:
    return (f"{frame.place} {frame.function}" for frame in frames)


def _size(chain: Chain) -> int:
    return sum(len(thrown.frames) + _size(thrown.members) for thrown in chain)
