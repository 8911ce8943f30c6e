"""From batches of log messages to those of each resource."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecar.derive.origin import Origin, origin_of
from sidecar.model.log import LogBatch, LogMessage
from sidecar.model.redact import Redact


class ResourceLogs(NamedTuple):
    """Log records of one resource."""

    origin: Origin
    records: Sequence[LogMessage]


@dataclass(frozen=True, slots=True)
class ObservedLogs:
    """A batch by resources, each of which may come several times; `received_at` is Unix time in seconds."""

    received_at: float
    groups: Sequence[ResourceLogs]


def observe(batch: LogBatch, redact: Redact) -> ObservedLogs:
    """Return `batch` with the origin of each resource, masked."""
    groups = [ResourceLogs(origin_of(group.resource, redact), group.records) for group in batch.groups]
    return ObservedLogs(batch.received_at, groups)
