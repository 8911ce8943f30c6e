"""What is said about forwarding; nothing per request."""

import logging
from dataclasses import dataclass
from typing import ClassVar

from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class ForwardFailing(Event):
    """The first attempt in vain."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` does not take telemetry: {reason}. Trying again until it does."
    identity: ClassVar[tuple[str, ...]] = ("endpoint",)
    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForwardRecovered(Event):
    """The first body it took again."""

    message: ClassVar[str] = "Upstream `{endpoint}` takes telemetry again after {seconds:.0f} s."
    identity: ClassVar[tuple[str, ...]] = ("endpoint",)
    endpoint: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ForwardGivenUp(Event):
    """A body that the upstream will never take."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` will not take a request of {signal}, which is lost: {reason}."
    identity: ClassVar[tuple[str, ...]] = ("endpoint", "signal")
    endpoint: str
    signal: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForwardUnreadable(Event):
    """A body that cannot be masked. What is wrong with it is not told, because it might be told by a secret."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "A request of {signal} cannot be masked and is not forwarded: {error}."
    identity: ClassVar[tuple[str, ...]] = ("signal",)
    signal: str
    error: str


@dataclass(frozen=True, slots=True)
class ForwardPartlyRefused(Event):
    """A body that the upstream took, but not all of its items."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Upstream `{endpoint}` left out {refused} items of a request of {signal}: {reason}."
    identity: ClassVar[tuple[str, ...]] = ("endpoint", "signal")
    endpoint: str
    signal: str
    refused: int
    reason: str
