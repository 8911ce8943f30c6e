"""What Postgres targets alone have to tell."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class ValuesUnreadable(Event):
    """Some of what a collector got cannot be read; it is left out and counted, and told until all is readable again."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: of what collector `{collector}` got, {count} could not be read and is left out: {example}."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "collector")
    target: str
    collector: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class CollectorAdvice(Event):
    """A collector cannot give what it should, and somebody can change that at the server."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: collector `{collector}` {advice}"
    identity: ClassVar[tuple[str, ...]] = ("target", "collector", "advice")
    target: str
    collector: str
    advice: str


@dataclass(frozen=True, slots=True)
class DatabasesNotVisited(Event):
    """Databases whose names are not UTF-8 cannot be connected to; all others are visited."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: databases whose names are not UTF-8 are not visited: {names}. "
        "What the server tells of them elsewhere is shown."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "names")
    target: str
    names: str
