"""The spans of the last seconds, held together as they came, because most are soon let go together.

A trace only notes the numbers of its spans. That costs a third of giving each trace its own spans, which is done for
the few traces that are kept or wait for longer.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from sidecar.codec.peer.ids import NO_ID, span_id_of
from sidecar.model.span import SpanGroup, SpanMessage
from sidecar.model.span_columns import Source
from sidecar.spans.roots import HAS_IS_REMOTE, IS_REMOTE, is_local_root
from sidecar.spans.traces.held import SPAN_BYTES, HeldTrace, Limits, size_of

_INDEX_BITS = 20
"""A number is that of its group and, in so many bits, the span's place in it: a request has fewer spans than that."""
_PLACE = (1 << _INDEX_BITS) - 1
_WHERE_PARENT_IS = HAS_IS_REMOTE | IS_REMOTE
_GROUP_BYTES = 500
"""What the objects of a group take."""


class RecentGroup(NamedTuple):
    """Spans that came together; `started` are the traces whose first span is among them."""

    source: Source
    spans: Sequence[bytes]
    bytes: int
    came_at: float
    started: list[HeldTrace]


class Arrival(NamedTuple):
    """What else was in a group: local roots with their numbers, and the spans of traces that are not recent."""

    roots: list[tuple[SpanMessage, int]]
    others: dict[bytes, list[bytes]]


class RecentSpans:
    """Groups of spans in the order they came; `bytes` is the memory they take.

    `admit` makes a trace for an id that none of the recent ones has, or says None: its spans are for somebody else.
    """

    def __init__(self, admit: Callable[[bytes], HeldTrace | None]) -> None:
        self.bytes = 0
        self._admit = admit
        self._numbers = _Numbers(self._start)
        self._groups: deque[RecentGroup] = deque()
        self._first = 0
        self._started: list[HeldTrace] = []
        self._others: dict[bytes, list[int]] = {}

    def add(self, group: SpanGroup, now: float) -> Arrival:
        """Hold the spans of `group`."""
        self._started, self._others = [], {}
        first = self._first + len(self._groups) << _INDEX_BITS
        numbers = self._numbers
        roots = []
        last_trace_id: bytes | None = None
        last_parent: bytes | None = None
        of_trace, parent_id = list[int](), NO_ID
        # One loop over all spans, and a call only for what may be a root: it costs as much as the rest. Spans of a
        # trace mostly come together, and those of a caller.
        for number, span in enumerate(group.spans, first):
            trace_id, parent = span.trace_id, span.parent_span_id
            if trace_id != last_trace_id:
                last_trace_id, of_trace = trace_id, numbers[trace_id]
            of_trace.append(number)
            if parent != last_parent:
                last_parent, parent_id = parent, span_id_of(parent)
            if (not parent_id or span.flags & _WHERE_PARENT_IS != HAS_IS_REMOTE) and is_local_root(span, parent_id):
                roots.append((span, number))
        spans = group.held
        source = Source(group.resource, group.scope)
        size = size_of(spans) + _GROUP_BYTES + source.bytes + SPAN_BYTES * len(spans)
        self._groups.append(RecentGroup(source, spans, size, now, self._started))
        self.bytes += size
        for trace_id in self._others:
            del numbers[trace_id]
        others = {trace_id: [spans[number & _PLACE] for number in of] for trace_id, of in self._others.items()}
        return Arrival(roots, others)

    def oldest_came_at(self) -> float | None:
        """Return when the oldest group came; None without any."""
        return self._groups[0].came_at if self._groups else None

    def started_in_oldest(self) -> Sequence[HeldTrace]:
        """Return the traces that the oldest group is held for, and some that were decided on."""
        return self._groups[0].started

    def let_oldest_go(self) -> None:
        """Hold the oldest group no longer; no recent trace may have a span in it."""
        self.bytes -= self._groups.popleft().bytes
        self._first += 1

    def forget(self, trace: HeldTrace) -> None:
        """Let `trace` have no recent spans."""
        if self._numbers.pop(trace.trace_id, None) is not None:
            trace.numbers = []

    def hand_over(self, trace: HeldTrace, limits: Limits) -> int:
        """Give `trace` its recent spans as far as they fit, its root among them; return how many bytes that is."""
        numbers = trace.numbers[: limits.spans]
        if numbers and trace.root_number >= 0 and trace.root_number not in numbers:
            numbers[-1] = trace.root_number
        trace.missing += len(trace.numbers) - len(numbers)
        more = 0
        for index, of_group in groupby(numbers, lambda number: number >> _INDEX_BITS):
            group = self._groups[index - self._first]
            spans = [group.spans[number & _PLACE] for number in of_group]
            more += trace.add(group.source, spans, size_of(spans), limits)
        self.forget(trace)
        return more

    def _start(self, trace_id: bytes) -> list[int]:
        trace = self._admit(trace_id)
        if trace is None:
            return self._others.setdefault(trace_id, [])
        self._started.append(trace)
        return trace.numbers


class _Numbers(dict[bytes, list[int]]):
    """Where to note the number of a span, by its trace id; asks `start` about an id that is not here."""

    def __init__(self, start: Callable[[bytes], list[int]]) -> None:
        super().__init__()
        self._start = start

    def __missing__(self, trace_id: bytes) -> list[int]:
        numbers = self[trace_id] = self._start(trace_id)
        return numbers
