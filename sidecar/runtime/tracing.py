"""Spans of our own work, for whoever collects them; without anybody they cost next to nothing."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from sidecar.model.span import SpanKind

Value: TypeAlias = str | int | float | bool


class Span(Protocol):
    """One piece of work that is going on. A name is one of few; what there is much of belongs into attributes."""

    def note(self, attributes: Mapping[str, Value], /) -> None:
        """Add `attributes`, under the names of OpenTelemetry's semantic conventions where these have one."""
        ...

    def fail(self, kind: str, reason: str, /) -> None:
        """Mark the work as failed; `kind` is one of few words and `reason` is for people and holds no secret."""
        ...


class Tracing(Protocol):
    """Makes spans."""

    def span(self, name: str, kind: SpanKind, attributes: Mapping[str, Value], /) -> AbstractContextManager[Span, None]:
        """Return a span that lasts as long as the `with` block.

        An error that leaves the block marks the span as failed and goes on; work that is cancelled gives no span.
        """
        ...


class _Silence:
    """Both the tracing and the span of whoever is not traced."""

    def span(self, _name: str, _kind: SpanKind, _attributes: Mapping[str, Value], /) -> "_Silence":
        return self

    def note(self, _attributes: Mapping[str, Value], /) -> None:
        return

    def fail(self, _kind: str, _reason: str, /) -> None:
        return

    def __enter__(self) -> "_Silence":
        return self

    def __exit__(self, *_: object) -> None:
        return


NO_TRACING: Tracing = _Silence()
"""Forgets everything."""


class SwitchedTracing:
    """Tracing that a reload turns on and off, so that who is traced need not know."""

    def __init__(self) -> None:
        self._now = NO_TRACING

    def use(self, tracing: Tracing) -> None:
        """Make spans by `tracing` from now on."""
        self._now = tracing

    def span(self, name: str, kind: SpanKind, attributes: Mapping[str, Value], /) -> AbstractContextManager[Span, None]:
        """Return a span of what is in use at this moment."""
        return self._now.span(name, kind, attributes)
