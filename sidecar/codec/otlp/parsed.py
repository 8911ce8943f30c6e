"""Spans in wire form that are parsed when somebody asks for them."""

from collections.abc import Callable, Sequence
from typing import Any, cast, overload

from typing_extensions import override

from sidecar.codec.otlp.runs import MOST
from sidecar.codec.otlp.schema import Span
from sidecar.model.span import SpanMessage

SHORT_BYTES = 2 << 10
"""A span up to this long is taken as it is: it has no room for so many attributes or events that they cost."""


class ParsedSpans(Sequence[SpanMessage]):
    """The spans at `places` of those whose wire form `raw_of` gives; each is parsed once, when it is asked for."""

    def __init__(self, raw_of: Callable[[int], bytes], places: Sequence[int]) -> None:
        self._raw_of = raw_of
        self._places = places
        self._parsed: dict[int, SpanMessage] = {}

    @override
    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> SpanMessage: ...
    @overload
    def __getitem__(self, place: slice) -> "ParsedSpans": ...
    @override
    def __getitem__(self, place: int | slice) -> "SpanMessage | ParsedSpans":
        """Return the span at `place`, or those in a slice."""
        if isinstance(place, slice):
            return ParsedSpans(self._raw_of, self._places[place])
        span = self._parsed.get(place)
        if span is None:
            span = self._parsed[place] = parsed(self._raw_of(self._places[place]))
        return span


def parsed(raw: bytes) -> SpanMessage:
    """Return a span without what `left_out` counts."""
    span = Span.FromString(raw)
    if len(raw) > SHORT_BYTES:
        for name, most in MOST.items():
            del cast("Any", getattr(span, name))[most:]
    return span


def left_out(raw: bytes) -> dict[str, int]:
    """Return how many of its attributes and events a span has beyond those that are looked at: of a short one all are.

    Raises DecodeError where a long one is no valid message.
    """
    if len(raw) <= SHORT_BYTES:
        return {}
    span = Span.FromString(raw)
    return {name: max(len(getattr(span, name)) - most, 0) for name, most in MOST.items()}
