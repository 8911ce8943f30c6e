"""What a section is: families, and the conversion of INFO or of what further commands answer."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, Protocol, TypeAlias

from sidecar.collect.config import Preset
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.info import Info
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,400}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,9})?")
_VERSION_PART = re.compile(r"(?:(?<=\.)|\A)[0-9]{1,9}(?=\.|\Z)")
_STATUS = {"ok": 1.0, "err": 0.0, "fail": 0.0, "up": 1.0, "down": 0.0}


Reply: TypeAlias = bytes | int | float | list[Any] | None
"""What a command answers, in RESP 2; strings as bytes, because keys and names may be any."""

Command: TypeAlias = Sequence[str | bytes | int]


class CommandError(Exception):
    """The server refused one command: it lacks it, the user may not use it, or the key is of another type."""


class ElsewhereError(CommandError):
    """Another node of the cluster has the key."""


class NotNowError(CommandError):
    """The server tells about no key for the moment: it loads them, or has lost its primary or its cluster."""


class Refused(NamedTuple):
    """A key or pattern that a section leaves out, because the server refused a command about it."""

    key: str
    error: CommandError


class CommandNotPermittedError(CommandError):
    """The user may not use the command, or not on that key."""


class Ask(Protocol):
    """Sends commands through the target's one connection."""

    async def __call__(self, *command: str | bytes | int) -> Reply:
        """Return the reply; raise CommandError when the server refuses."""
        ...

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        """Return the replies to all of `commands`, which go out together; a refusal is an item, not raised."""
        ...


@dataclass(frozen=True, slots=True)
class RedisServer:
    """What a section may know: the fields of INFO, the Unix time of their arrival, and the target's configuration.

    `database` is the connection's own, in which a section finds it and has to leave it. `certificate_expiry` is the
    Unix time at which the certificate that the server showed us ends; None without TLS.
    """

    info: Info
    now: float
    config: RedisConfig
    database: int = 0
    certificate_expiry: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A section of INFO; its `name` is the one in `sections.include`.

    `convert` knows no chance or I/O, and `families` are all that it may return. A field that the server does not have
    is left out, so one table serves every version. `applies` tells whether there is anything to show: where not, the
    section is not collected; without it every server has the section. `preset` is the smallest preset that the section
    belongs to.
    """

    name: str
    families: tuple[Family, ...]
    convert: Callable[[RedisServer], Iterable[FamilySamples]]
    applies: Callable[[RedisServer], bool] | None = None
    preset: Preset = Preset.BASIC


@dataclass(frozen=True, slots=True)
class CommandSection:
    """A section that asks by itself.

    What it asks next depends on what it was answered, or a refusal is an answer or concerns one key alone: all others
    are a PipelinedSection. `collect` asks and returns samples of `families`, and the keys that the server refused to
    tell about; the section then counts as failed, and what it returned besides is shown. `applies` tells from INFO and
    the configuration whether there is anything to ask for: where not, the section is not collected. `permissions` are
    the ACL rules that a restricted user needs for it beside INFO, such as `+slowlog|get`; a function where they depend
    on what is configured.
    """

    name: str
    families: tuple[Family, ...]
    collect: Callable[[Ask, RedisServer], Awaitable[Iterable[FamilySamples | Refused]]]
    permissions: tuple[str, ...] | Callable[[RedisConfig], Sequence[str]]
    applies: Callable[[RedisServer], bool] = lambda server: True
    preset: Preset = Preset.BASIC


Answers: TypeAlias = Mapping[tuple[str, ...], Reply]
"""Replies by command; one that the server refused is not there."""


@dataclass(frozen=True, slots=True)
class PipelinedSection:
    """A section whose further commands are known as soon as INFO is; those of all sections go out in one write.

    `commands` returns them, and none where there is nothing to ask for: the section is not collected then. `convert`
    is pure and returns samples of `families`. `permissions` are the `acl_rule` of all that it may ask.
    """

    name: str
    families: tuple[Family, ...]
    commands: Callable[[RedisServer], Sequence[tuple[str, ...]]]
    convert: Callable[[Answers, RedisServer], Iterable[FamilySamples]]
    permissions: tuple[str, ...]
    preset: Preset = Preset.BASIC


AnySection = Section | CommandSection | PipelinedSection


class Field(NamedTuple):
    """One number of INFO: its field, its family, and what it is multiplied by to get the family's unit."""

    field: str
    family: Family
    factor: float = 1.0


def gauge(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    """Return the field as the gauge `redis_<name>`."""
    return Field(field, Family(f"redis_{name}", MetricType.GAUGE, text), factor)


def counter(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    """Return the field as the counter `redis_<name>`."""
    return Field(field, Family(f"redis_{name}", MetricType.COUNTER, text), factor)


def section_of(name: str, fields: tuple[Field, ...]) -> Section:
    """Return a section that is numbers only."""

    def convert(server: RedisServer) -> Iterable[FamilySamples]:
        return numbers(server.info, fields)

    return Section(name, tuple(field.family for field in fields), convert)


def numbers(info: Info, fields: Iterable[Field], labels: Labels = ()) -> Iterable[FamilySamples]:
    """Yield one sample for each field that is there and is a number or a status."""
    for field, family, factor in fields:
        value = number_of(info.get(field))
        if value is not None:
            yield FamilySamples(family, [Sample(family.name, labels, value * factor)])


def number_of(text: str | None) -> float | None:
    """Return a field's value as a number; `ok` and `up` are 1, `err`, `fail` and `down` 0, other words nothing.

    NaN and infinity are what a server makes of a division by zero: it does not know, and neither do we.
    """
    if text is None:
        return None
    return _STATUS[text] if text in _STATUS else decimal_of(text)


def decimal_of(text: str) -> float | None:
    """Return a finite number in ASCII digits, without blanks, units and Python's underscores; None for all else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)  # of a text that the pattern has checked
    return value if isfinite(value) else None


def by_label(rows: Mapping[str, Mapping[str, str]], label: str, fields: Iterable[Field]) -> Iterable[FamilySamples]:
    """Yield each family with one sample per row, whose key is the value of `label`."""
    labelled = [(labels_of(((label, key),)), row) for key, row in rows.items()]
    for field, family, factor in fields:
        samples = [
            Sample(family.name, labels, value * factor)
            for labels, row in labelled
            if (value := number_of(row.get(field))) is not None
        ]
        if samples:
            yield FamilySamples(family, samples)


def settings_in(answers: Answers) -> dict[str, str]:
    """Return the settings among `answers`: those to CONFIG GET and SENTINEL CONFIG GET, each `[name, value]`."""
    replies = [items_of(reply) for command, reply in answers.items() if "CONFIG" in command]
    return {text_of(reply[0]): text_of(reply[1]) for reply in replies if len(reply) > 1}


def acl_rule(command: tuple[str, ...]) -> str:
    """Return the ACL rule that allows a command with a subcommand, such as `+slowlog|get`."""
    return "+" + "|".join(command[:2]).lower()


def is_sentinel(info: Info) -> bool:
    """Return whether a Sentinel answered; it has few of a server's commands."""
    return "sentinel_masters" in info


def version_of(text: str | None) -> tuple[int, ...]:
    """Return `8.1.2` as numbers, so that versions compare; nothing, which is less than all, for no version."""
    return tuple(map(int, _VERSION_PART.findall(text or "")))


def items_of(reply: object) -> list[Any]:
    """Return the items of a reply that is a list; none of what a server or proxy sends in its place."""
    return reply if isinstance(reply, list) else []


def integer_of(reply: object) -> float | None:
    """Return a reply that is an integer; None for all else."""
    return float(reply) if isinstance(reply, int) else None


def text_of(reply: Reply) -> str:
    """Return a reply as text; bytes that are no UTF-8 are written as escapes, so different names stay different."""
    return reply.decode(errors="backslashreplace") if isinstance(reply, bytes) else str(reply)
