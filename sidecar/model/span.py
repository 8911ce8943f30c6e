"""Spans on their way from a receiver to the stages that derive metrics from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol


class SpanKind(IntEnum):
    """OTLP's Span.SpanKind."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5

    @property
    def label(self) -> str:
        """The value of the span_kind label, as the collector's span metrics write it."""
        return f"SPAN_KIND_{self.name}"


class StatusCode(IntEnum):
    """OTLP's Status.StatusCode."""

    UNSET = 0
    OK = 1
    ERROR = 2

    @property
    def label(self) -> str:
        """The value of the status_code label, as the collector's span metrics write it."""
        return f"STATUS_CODE_{self.name}"


class SpanMessage(Protocol):
    """A span as received, strings and nested messages still in their wire form.

    Reading a field of the decoder's own message costs less than copying it into a value of ours: 0.1 against 0.5 us a
    span. `attributes` are KeyValue messages, `events` Span.Event and `links` Span.Link messages, `status` is a Status
    message or empty.
    """

    @property
    def trace_id(self) -> bytes: ...  # noqa: D102 - the fields are those of OTLP's Span
    @property
    def span_id(self) -> bytes: ...  # noqa: D102
    @property
    def trace_state(self) -> bytes: ...  # noqa: D102
    @property
    def parent_span_id(self) -> bytes: ...  # noqa: D102
    @property
    def name(self) -> bytes: ...  # noqa: D102
    @property
    def kind(self) -> int: ...  # noqa: D102
    @property
    def start_time_unix_nano(self) -> int: ...  # noqa: D102
    @property
    def end_time_unix_nano(self) -> int: ...  # noqa: D102
    @property
    def attributes(self) -> Sequence[bytes]: ...  # noqa: D102
    @property
    def events(self) -> Sequence[bytes]: ...  # noqa: D102
    @property
    def links(self) -> Sequence[bytes]: ...  # noqa: D102
    @property
    def status(self) -> bytes: ...  # noqa: D102
    @property
    def flags(self) -> int: ...  # noqa: D102


class SpanGroup(NamedTuple):
    """Spans of one resource and scope; these and `resource` and `scope` are messages in their wire form."""

    resource: bytes
    scope: bytes
    spans: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """A slice of a request, small enough to be worked on in about 5 ms, `received_at` a time by the steady clock."""

    received_at: float
    groups: Sequence[SpanGroup]

    def __len__(self) -> int:
        """Return the number of spans."""
        return sum(len(group.spans) for group in self.groups)

    def split(self, most: int) -> "Iterator[SpanBatch]":
        """Yield the same spans in batches of at most `most`."""
        groups: list[SpanGroup] = []
        room = most
        for group in self.groups:
            first = 0
            while first < len(group.spans):
                groups.append(group._replace(spans=group.spans[first : first + room]))
                first += len(groups[-1].spans)
                room -= len(groups[-1].spans)
                if not room:
                    yield SpanBatch(self.received_at, groups)
                    groups, room = [], most
        if groups:
            yield SpanBatch(self.received_at, groups)
