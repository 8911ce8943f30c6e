"""Spans in wire form, parsed when somebody asks for them."""

from typing import Any, cast

from sidecar.codec.otlp.runs import MOST
from sidecar.codec.otlp.schema import Span
from sidecar.model.span import SpanMessage

SHORT_BYTES = 2 << 10
"""A span up to this long is taken as it is: it has no room for so many attributes or events that they cost."""


def left_out(raw: bytes) -> dict[str, int]:
    """Return how many of its attributes and events a span has beyond those that are looked at: of a short one all are.

    Raises DecodeError where a long one is no valid message.
    """
    if len(raw) <= SHORT_BYTES:
        return {}
    span = Span.FromString(raw)
    return {name: max(len(getattr(span, name)) - most, 0) for name, most in MOST.items()}


def parsed(raw: bytes) -> SpanMessage:
    """Return a span as a message, without what `left_out` counts."""
    span = Span.FromString(raw)
    if len(raw) > SHORT_BYTES:
        for name, most in MOST.items():
            del cast("Any", getattr(span, name))[most:]
    return span
