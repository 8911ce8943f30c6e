"""The spans of the last seconds, held together as they came, because most are soon let go together.

Those of a trace are put beside each other, so that it only notes where they begin and how many there are. The few that
are kept or wait for longer are given theirs.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from sidecar.model.span_columns import Places, Source, SpanColumns
from sidecar.spans.traces.held import PLACE_BITS, SPAN_BYTES, HeldTrace, Limits, Part, size_of

_PLACE = (1 << PLACE_BITS) - 1
_GROUP_BYTES = 1_000
"""What the objects of a group take."""


class RecentGroup(NamedTuple):
    """Spans that came together; `started` are the traces whose first span is among them."""

    data: bytes
    starts: Places
    ends: Places
    sources: Sequence[Source]
    source_of: Places
    bytes: int
    came_at: float
    started: list[HeldTrace]

    def parts(self, places: Iterable[int]) -> Iterator[Part]:
        """Yield the spans at `places`, those of a source together."""
        for source, of_source in groupby(places, self.source_of.__getitem__):
            yield self.sources[source], [self.data[self.starts[place] : self.ends[place]] for place in of_source]


class RecentSpans:
    """Groups of spans in the order they came; `bytes` is the memory they take."""

    def __init__(self) -> None:
        self.bytes = 0
        self._groups: deque[RecentGroup] = deque()
        self._first = 0

    def add(self, columns: SpanColumns, order: Places, now: float) -> RecentGroup:
        """Hold some spans in this order; the number of the first is `next_number` as it was before."""
        starts, ends, sources = columns.starts[order], columns.ends[order], columns.sources
        around = _GROUP_BYTES + sum(source.bytes for source in sources) + SPAN_BYTES * len(columns)
        size = int((ends - starts).sum()) + around
        group = RecentGroup(columns.data, starts, ends, sources, columns.source_of[order], size, now, started=[])
        self._groups.append(group)
        self.bytes += size
        return group

    @property
    def next_number(self) -> int:
        """The number of the first span that comes next."""
        return self._first + len(self._groups) << PLACE_BITS

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

    def hand_over(self, trace: HeldTrace, limits: Limits) -> int:
        """Give `trace` its recent spans as far as they fit, its root among them; return how many bytes that is."""
        numbers = [*islice(trace.numbers(), limits.spans)]
        if numbers and trace.root_number >= 0 and trace.root_number not in numbers:
            numbers[-1] = trace.root_number
        trace.missing += trace.recent - len(numbers)
        trace.forget_numbers()
        more = 0
        for index, of_group in groupby(numbers, lambda number: number >> PLACE_BITS):
            group = self._groups[index - self._first]
            for source, spans in group.parts(number & _PLACE for number in of_group):
                more += trace.add(source, spans, size_of(spans), limits)
        return more
