"""Spans in wire form that are parsed when somebody asks for them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, cast, overload

from typing_extensions import override

from sidecar.codec.otlp.runs import MOST
from sidecar.codec.otlp.schema import Span
from sidecar.model.span import SpanBatch, SpanMessage

SHORT_BYTES = 2 << 10
"""A span up to this long is taken as it is: it has no room for so many attributes or events that they cost."""


class ParsedSpans(Sequence[SpanMessage]):
    """The spans whose wire form is `raw`; each is parsed once, when it is asked for, without what `left_out` counts."""

    def __init__(self, raw: Sequence[bytes]) -> None:
        self._raw = raw
        self._parsed: dict[int, SpanMessage] = {}
        self._all: list[SpanMessage] | None = None

    @override
    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self._raw)

    @override
    def __iter__(self) -> Iterator[SpanMessage]:
        """Yield all spans."""
        if self._all is None:
            self._all = [*map(parsed, self._raw)]
        return iter(self._all)

    @overload
    def __getitem__(self, place: int) -> SpanMessage: ...
    @overload
    def __getitem__(self, place: slice) -> "ParsedSpans": ...
    @override
    def __getitem__(self, place: int | slice) -> "SpanMessage | ParsedSpans":
        """Return the span at `place`, or those in a slice."""
        if isinstance(place, slice):
            return ParsedSpans(self._raw[place])
        if self._all is not None:
            return self._all[place]
        span = self._parsed.get(place)
        if span is None:
            span = self._parsed[place] = parsed(self._raw[place])
        return span


class ChosenSpans(Sequence[SpanMessage]):
    """Those spans of a batch that are at `places` among all of them; none is touched before it is asked for."""

    def __init__(self, batch: SpanBatch, places: Sequence[int]) -> None:
        self._groups = [group.spans for group in batch.groups if group.spans]
        self._firsts = [0, *accumulate(map(len, self._groups))]
        self._places = places

    @override
    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> SpanMessage: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SpanMessage]: ...
    @override
    def __getitem__(self, place: int | slice) -> SpanMessage | Sequence[SpanMessage]:
        """Return the span at `place`, or those in a slice."""
        if isinstance(place, slice):
            return [self[at] for at in range(len(self))[place]]
        at = self._places[place]
        group = bisect_right(self._firsts, at) - 1
        return self._groups[group][at - self._firsts[group]]


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
