"""Log records on their way from a receiver to the stages that count them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class LogMessage(Protocol):
    """A log record as received, strings and nested messages still in their wire form.

    `attributes` are KeyValue messages, `body` is an AnyValue message or empty.
    """

    @property
    def time_unix_nano(self) -> int: ...  # noqa: D102 - the fields are those of OTLP's LogRecord
    @property
    def observed_time_unix_nano(self) -> int: ...  # noqa: D102
    @property
    def severity_number(self) -> int: ...  # noqa: D102
    @property
    def severity_text(self) -> bytes: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102
    @property
    def attributes(self) -> Sequence[bytes]: ...  # noqa: D102
    @property
    def trace_id(self) -> bytes: ...  # noqa: D102
    @property
    def span_id(self) -> bytes: ...  # noqa: D102
    @property
    def event_name(self) -> bytes: ...  # noqa: D102


class LogGroup(NamedTuple):
    """Log records of one resource and scope; `resource` and `scope` are the messages of that name in wire form."""

    resource: bytes
    scope: bytes
    records: Sequence[LogMessage]


@dataclass(frozen=True, slots=True)
class LogBatch:
    """A slice of a request, small enough to be worked on in about 5 ms, `received_at` a time by the steady clock."""

    received_at: float
    groups: Sequence[LogGroup]

    def __len__(self) -> int:
        """Return the number of log records."""
        return sum(len(group.records) for group in self.groups)
