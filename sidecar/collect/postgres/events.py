"""What Postgres targets alone have to tell."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class ValuesUnreadable(Event):
    """Some of what a collector got cannot be read; it is left out and counted, and told until all is readable again."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: of what collector `{collector}` got, {count} could not be read and is left out: {example}."
    )
    target: str
    collector: str
    count: int
    example: str

    @override
    def key(self) -> str:
        """Return target and collector."""
        return f"{self.target} {self.collector}"


@dataclass(frozen=True, slots=True)
class CollectorAdvice(Event):
    """A collector cannot give what it should, and somebody can change that at the server."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Target `{target}`: collector `{collector}` {advice}"
    target: str
    collector: str
    advice: str

    @override
    def key(self) -> str:
        """Return target, collector and advice."""
        return f"{self.target} {self.collector} {self.advice}"


@dataclass(frozen=True, slots=True)
class DatabasesNotVisited(Event):
    """Databases whose names are not UTF-8 cannot be connected to; all others are visited."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: databases whose names are not UTF-8 are not visited: {names}. "
        "What the server tells of them elsewhere is shown."
    )
    target: str
    names: str

    @override
    def key(self) -> str:
        """Return target and names."""
        return f"{self.target} {self.names}"
