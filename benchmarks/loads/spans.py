"""Spans as a load makes them, before they are written in one of OTLP's formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Value = bool | int | float | str
Attributes = Mapping[str, Value]

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(1, 6)
SAMPLED, HAS_REMOTE, IS_REMOTE = 0x1, 0x100, 0x200
"""Flags of a span: SDKs say whether the parent is in another process since 2024."""


@dataclass(slots=True)
class Event:
    """Something that happened at a moment of a span."""

    name: str
    at_nano: int
    attributes: Attributes


@dataclass(slots=True)
class Span:
    """One span; a parent id of no bytes is none, and `failed_with` is what its status says unless nothing failed."""

    scope: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    start_nano: int
    end_nano: int
    attributes: Attributes
    flags: int = SAMPLED | HAS_REMOTE
    failed_with: str | None = None
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """What one process exports at once: its spans by the instrumentation that made them."""

    resource: Attributes
    scopes: Mapping[str, Sequence[Span]]
