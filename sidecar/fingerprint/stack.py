"""Which errors are the same problem: by what was thrown and where, not by when, for whom and in which build."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sidecar.fingerprint.digest import digest
from sidecar.fingerprint.exception_type import type_name
from sidecar.fingerprint.message import normalised
from sidecar.fingerprint.stacks.languages import chain_in, language_of
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown

HEAD, TAIL = 4 << 10, 12 << 10
"""Characters of a longer stack trace that are looked at, from its start and its end."""
_FRAMES = 3
_CAUSES = 4
"""Causes that tell: the outermost and innermost of a longer chain."""
_MEMBERS = 8
_BOUNDLESS = frozenset({"RecursionError", "StackOverflowError", "StackOverflowException"})
"""Where these happen among the calls of a circle is chance."""
_LINE = "\n"
_START, _END = 300, 1000
"""Characters that have the type of what was thrown: it stands in the first line, or in one of the last."""

_BEFORE_CAUSES = ("Caused by", "Suppressed", "[cause]")
_REPETITIONS = 16
"""How often a message may be in its stack trace: of the exception, and of those that have it from their cause."""
_DIGITS = re.compile(r"\d+")
_WITH_CAUSES = frozenset(("python", "java", "nodejs", "webjs"))
_CAUSE = re.compile(r"(?m)^((?:Caused by: |[ \t]*+\[cause\]: )?[A-Za-z_][\w.$]*+): .*$")
"""The type of an exception or of its cause, and what it says."""


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


class Where(NamedTuple):
    """What a stack trace says of where it was thrown."""

    parts: tuple[str, ...]
    frames: tuple[Frame, ...]
    by_message: bool
    """Whether that is too little: no call of the app's own code, or none with a name."""
    language: str = ""
    """What it was read as."""


def grouping_of(service: str, error: ErrorText, explicit: str = "") -> Grouping:
    """Return the group of `error` of `service`; `explicit` is a fingerprint that the app has set itself.

    Decided by the types and the three innermost frames of the app's own code of the exception and each of its causes.
    Where none of these has a name, the message without its values decides too; without such frames, the innermost ones
    and that message; without any, type and message.
    """
    return grouped(service, error, where_thrown(without_message(error), error.language), explicit)


def grouped(service: str, error: ErrorText, where: Where, explicit: str = "") -> Grouping:
    """Return the group of `error`, whose stack trace says `where`."""
    if explicit:
        return Grouping(digest(["explicit", service, explicit]), where.frames)
    parts = list(where.parts)
    if where.by_message:
        parts += [normalised(error.message), _DIGITS.sub("", error.place)]
    kind = type_name(error.type, where.language or error.language)
    return Grouping(digest([service, kind, *parts]), where.frames, where.by_message)


def without_message(error: ErrorText) -> str:
    """Return the stack trace without the message, which differs and may look like anything, even like calls."""
    if not error.message:
        return error.stack
    stack = error.stack.removeprefix(error.message)
    if _LINE in error.message:  # Rust has it on lines of its own
        stack = stack.replace(f"\n{error.message}\n", "\n\n", 1)
    parts = stack.split(f": {error.message}", _REPETITIONS)
    left = parts[0]
    for part in parts[1:]:
        left += (f": {error.message}" if left.endswith(_BEFORE_CAUSES) else ": ") + part
    return left.replace(f") {error.message}", ") ", 1)


def without_messages_of_causes(stack: str, language: str) -> str:
    """Return a stack trace without what its causes say, where the language sets that apart: it is no place in code.

    What is the same here is thrown at the same places, and by the same types.
    """
    return _CAUSE.sub(r"\1", stack) if language in _WITH_CAUSES else stack


def where_thrown(stack: str, language: str) -> Where:
    """Return what `stack` says; for telling apart, and to be remembered: it takes about 100 us."""
    if len(stack) > HEAD + TAIL:
        stack = f"{stack[:HEAD].rpartition(_LINE)[0]}\n{stack[-TAIL:].partition(_LINE)[2]}"
    language = language_of(stack, language) if stack else ""
    chain = chain_in(stack, language)
    frames = next((found for thrown in chain if (found := _telling(thrown))), ())
    if frames:
        return Where(tuple(_parts_of_chain(chain, language)), frames, not _is_any_named(chain), language)
    frames = next((thrown.frames[:_FRAMES] for thrown in chain if thrown.frames), ())
    return Where(tuple(_lines(frames)), frames, True, language)


def thrown_type(stack: str, language: str) -> str:
    """Return the type that `stack` says was thrown, as it is written there; empty if it says none.

    It stands in the first line, or with the calls: elsewhere a word alone on its line is one of a message.
    """
    if len(stack) > _START + _END:
        stack = f"{stack[:_START]}\n{stack[-_END:]}"
    thrown = next(iter(chain_in(stack, language_of(stack, language))), None) if stack else None
    return thrown.type if thrown and (thrown.frames or _is_in_first_line(thrown.type, stack)) else ""


def _is_in_first_line(kind: str, stack: str) -> bool:
    first = stack.strip().partition(_LINE)[0].rstrip()
    return re.search(rf"(?:^|[\s(]){re.escape(kind)}(?:[:)]|$)", first) is not None


def _parts_of_chain(chain: Chain, language: str) -> Iterator[str]:
    links = [*dict.fromkeys("\n".join(_parts(thrown, number > 0, language)) for number, thrown in enumerate(chain))]
    yield from links if len(links) <= _CAUSES else (*links[:2], *links[-2:])


def _parts(thrown: Thrown, with_type: bool, language: str) -> Iterator[str]:
    kind = type_name(thrown.type, language)
    if with_type:
        yield kind
    lines = _lines(_own(thrown))
    yield from sorted(lines) if kind in _BOUNDLESS else lines
    yield from sorted({"\n".join(_parts(member, True, language)) for member in thrown.members})[:_MEMBERS]


def _telling(thrown: Thrown) -> tuple[Frame, ...]:
    """Return the frames that tell where something was thrown; of a group without any, those of a member."""
    return _own(thrown) or next((found for member in thrown.members if (found := _telling(member))), ())


def _is_any_named(chain: Iterable[Thrown]) -> bool:
    return any(any(frame.is_named for frame in _own(thrown)) or _is_any_named(thrown.members) for thrown in chain)


def _own(thrown: Thrown) -> tuple[Frame, ...]:
    return tuple(frame for frame in thrown.frames if frame.in_app)[:_FRAMES]


def _lines(frames: Iterable[Frame]) -> Iterator[str]:
    return (f"{frame.place} {frame.function}" for frame in frames)
