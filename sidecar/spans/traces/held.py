"""A trace as it arrives: its spans in the form they were received in, and the little that a decision needs."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import NamedTuple, TypeAlias

from sidecar.model.span_columns import Source
from sidecar.spans.traces.endpoint import WITHOUT_ROOT, Endpoint

TRACE_BYTES = 450
PART_BYTES = 200
SPAN_BYTES = 45
"""What the objects around the bytes take, measured: so that a million tiny spans stay within the limit too."""
PLACE_BITS = 20
"""The number of a recent span is that of its group and, in so many bits, its place there: a request has fewer spans."""
ERROR_GROUPS = 16
"""Error groups that are remembered of a trace: its first."""


Part: TypeAlias = tuple[Source, Sequence[bytes]]
"""Spans of one source that arrived together."""


class LocalRoot(NamedTuple):
    """The local root of a trace; the least one by the first three fields, if there are several.

    So a trace that passes through this place several times is named after the request that came first. Its start is
    when it came where it does not say a time that may be, its id the number that the bytes are, and its name the
    beginning of it as received.
    """

    has_parent: bool
    start_unix_nano: int
    span_id: int
    took_nano: int
    name: bytes
    endpoint: Endpoint

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.took_nano / 1e9


class Limits(NamedTuple):
    """What may be held of one trace."""

    spans: int
    bytes: int


class HeldTrace:
    """The spans of one trace, and what is known of all of them.

    `recent` counts its spans among the recent ones, `parts` are those that it holds itself: `spans` counts these and
    `size` their bytes, `missing` counts those over the limits. `bytes` is the memory of `parts` and of what is around
    them. It `straggles` when its first span is not a recent one any more.
    `cited` counts the findings that it is evidence of, `failures` all spans of it that failed.
    """

    __slots__ = (
        "bytes",
        "cited",
        "decided",
        "error_groups",
        "failures",
        "first_at",
        "missing",
        "parts",
        "recent",
        "root",
        "root_number",
        "runs",
        "size",
        "spans",
        "straggles",
        "trace_id",
    )

    def __init__(self, trace_id: bytes, first_at: float) -> None:
        self.trace_id = trace_id
        self.first_at = first_at
        self.recent = 0
        self.runs: list[int] = []
        self.straggles = False
        self.parts: list[Part] = []
        self.spans = 0
        self.size = 0
        self.bytes = TRACE_BYTES
        self.missing = 0
        self.root: LocalRoot | None = None
        self.root_number = -1
        self.failures = 0
        self.cited = 0
        self.decided = False
        self.error_groups: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many spans arrived."""
        return self.recent + self.spans + self.missing

    @property
    def endpoint(self) -> Endpoint:
        """That of its local root."""
        return self.root.endpoint if self.root else WITHOUT_ROOT

    def note_recent(self, number: int, count: int) -> None:
        """Note that `count` recent spans, from this number on, are of this trace."""
        self.runs.append(number << PLACE_BITS | count)
        self.recent += count

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of its recent spans."""
        for run in self.runs:
            first = run >> PLACE_BITS
            yield from range(first, first + (run & (1 << PLACE_BITS) - 1))

    def forget_numbers(self) -> None:
        """Have no recent spans."""
        self.recent, self.runs = 0, []

    def note_root(self, root: LocalRoot, number: int = -1) -> None:
        """Note a local root and its number, if it is among the recent spans."""
        if self.root is None or root[:3] < self.root[:3]:
            self.root, self.root_number = root, number

    def add(self, source: Source, spans: Sequence[bytes], size: int, limits: Limits) -> int:
        """Take `spans`, which are `size` bytes, as far as they fit; return how many bytes more are held."""
        if self.spans + len(spans) > limits.spans or self.size + size > limits.bytes:
            fitting = self._fitting(spans, limits)
            self.missing += len(spans) - len(fitting)
            if not fitting:
                return 0
            spans, size = fitting, size_of(fitting)
        more = size + PART_BYTES + source.bytes + SPAN_BYTES * len(spans)
        self.parts.append((source, spans))
        self.spans += len(spans)
        self.size += size
        self.bytes += more
        return more

    def add_error_group(self, group: str) -> None:
        """Note that an error of this trace belongs to `group`."""
        if group not in self.error_groups and len(self.error_groups) < ERROR_GROUPS:
            self.error_groups = (*self.error_groups, group)

    def release(self, most_spans: int, most_bytes: int) -> list[Part]:
        """Return the first of the spans that wait, one at least and else at most so much; they wait no more."""
        released: list[Part] = []
        while self.parts and most_spans > 0:
            source, spans = self.parts[0]
            count = _fitting_count(spans, most_spans, most_bytes)
            if released and not count:
                break
            first, rest = spans[: max(count, 1)], spans[max(count, 1) :]
            self.parts[:1] = [(source, rest)] if rest else []
            released.append((source, first))
            size = size_of(first)
            most_spans -= len(first)
            most_bytes -= size
            self.bytes -= size + SPAN_BYTES * len(first) + (0 if rest else PART_BYTES + source.bytes)
        return released

    def _fitting(self, spans: Sequence[bytes], limits: Limits) -> list[bytes]:
        fitting: list[bytes] = []
        room, left = limits.spans - self.spans, limits.bytes - self.size
        for span, size in zip(spans, map(len, spans), strict=True) if room > 0 else ():
            if len(fitting) < room and size <= left:
                fitting.append(span)
                left -= size
        return fitting


def size_of(spans: Sequence[bytes]) -> int:
    """Return how many bytes `spans` hold."""
    return sum(map(len, spans))


def _fitting_count(spans: Sequence[bytes], most_spans: int, most_bytes: int) -> int:
    """Return how many of `spans`, the first ones, are within both limits."""
    totals = accumulate(map(len, spans[:most_spans]))
    return sum(1 for _ in takewhile(lambda total: total <= most_bytes, totals))
