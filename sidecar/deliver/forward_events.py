"""What is said about forwarding; nothing per request."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class ForwardFailing(Event):
    """The first attempt in vain."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` does not take telemetry: {reason}. Trying again until it does."
    endpoint: str
    reason: str

    @override
    def key(self) -> str:
        """Return the upstream."""
        return self.endpoint


@dataclass(frozen=True, slots=True)
class ForwardRecovered(Event):
    """The first body it took again."""

    message: ClassVar[str] = "Upstream `{endpoint}` takes telemetry again after {seconds:.0f} s."
    endpoint: str
    seconds: float

    @override
    def key(self) -> str:
        """Return the upstream."""
        return self.endpoint


@dataclass(frozen=True, slots=True)
class ForwardGivenUp(Event):
    """A body that the upstream will never take."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` will not take a request of {signal}, which is lost: {reason}."
    endpoint: str
    signal: str
    reason: str

    @override
    def key(self) -> str:
        """Return upstream and signal."""
        return f"{self.endpoint} {self.signal}"


@dataclass(frozen=True, slots=True)
class ForwardUnreadable(Event):
    """A body that cannot be masked. What is wrong with it is not told, because it might be told by a secret."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "A request of {signal} cannot be masked and is not forwarded: {error}."
    signal: str
    error: str

    @override
    def key(self) -> str:
        """Return the signal."""
        return self.signal


@dataclass(frozen=True, slots=True)
class ForwardPartlyRefused(Event):
    """A body that the upstream took, but not all of its items."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` left out {refused} items of a request of {signal}: {reason}."
    endpoint: str
    signal: str
    refused: int
    reason: str

    @override
    def key(self) -> str:
        """Return upstream and signal."""
        return f"{self.endpoint} {self.signal}"
