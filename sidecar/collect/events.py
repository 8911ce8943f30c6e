"""What is told about scraped targets: when one goes and when it comes back, not each scrape."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class TargetDown(Event):
    """A target that answered, or was not asked before, does not answer."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}` is down: {error}. It is tried again at each scrape."
    target: str
    error: str


@dataclass(frozen=True, slots=True)
class TargetUp(Event):
    """A target answers, and did not before."""

    message: ClassVar[str] = "Target `{target}` is up."
    target: str


@dataclass(frozen=True, slots=True)
class CollectorFailed(Event):
    """One part of a scrape failed and the others did not; told once until it works again."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: collector `{collector}` failed: {error}."
    identity: ClassVar[tuple[str, ...]] = ("target", "collector")
    target: str
    collector: str
    error: str


@dataclass(frozen=True, slots=True)
class MonitorRoleMissing(Event):
    """The role cannot see what others do; what it cannot know is left out."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: role cannot see all statistics. As a superuser run: {grant}"
    target: str
    grant: str


@dataclass(frozen=True, slots=True)
class CommandsNotAllowed(Event):
    """A Redis user may not use what some sections need; what it may not know is left out."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: user may not ask for all of {sections}. Allow it with: {rule}"
    identity: ClassVar[tuple[str, ...]] = ("target", "rule")
    target: str
    sections: str
    rule: str


@dataclass(frozen=True, slots=True)
class CommandNotThere(Event):
    """A server, often a managed one, lacks a command that a section needs; the section is left out."""

    message: ClassVar[str] = "Target `{target}`: section `{section}` is left out, the server says: {error}"
    identity: ClassVar[tuple[str, ...]] = ("target", "section")
    target: str
    section: str
    error: str


@dataclass(frozen=True, slots=True)
class KeyRefused(Event):
    """A Redis server does not tell about one key, often because it is of another type; the others are shown."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: section `{section}` cannot tell about all of `{configured}`: {error}."
    identity: ClassVar[tuple[str, ...]] = ("target", "section", "configured")
    target: str
    section: str
    configured: str
    error: str


@dataclass(frozen=True, slots=True)
class NamesSummed(Event):
    """A list that clients of a server make longer is over its limit; the rest of it is summed. Told once."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: `{list}` has {count} names over its limit; their numbers are summed as `other`, "
        "or left out where a sum tells nothing."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "list")
    target: str
    list: str
    count: int


@dataclass(frozen=True, slots=True)
class PoolerInBetween(Event):
    """A pooler answers in the server's stead; it costs transactions, and what it hides is not seen."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: a connection pooler such as PgBouncer is in between; every statement takes a transaction. "
        "Better give the address of the server itself."
    )
    target: str


@dataclass(frozen=True, slots=True)
class ParametersIgnored(Event):
    """The address of a target has parameters that are for other programs; told by name, as values may be secrets."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: parameters of its address that are not known here, or not done, are ignored: {names}."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "names")
    target: str
    names: str


@dataclass(frozen=True, slots=True)
class ScrapeCutShort(Event):
    """The target answered, and then the scrape ended before everything was collected."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: scrape ended early: {error}."
    identity: ClassVar[tuple[str, ...]] = ("target",)
    target: str
    error: str
