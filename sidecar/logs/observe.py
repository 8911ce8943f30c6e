"""From batches of log messages to those of each service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecar.codec.otlp.attributes import attributes_of, pick, resource_attributes
from sidecar.model.log import LogBatch, LogMessage
from sidecar.spans.calls import label_value
from sidecar.spans.observe import UNKNOWN_SERVICE

_SERVICE = "service.name"


class ServiceLogs(NamedTuple):
    """Log records of one service."""

    service: str
    records: Sequence[LogMessage]


@dataclass(frozen=True, slots=True)
class ObservedLogs:
    """A batch by services, each of which may come several times; `received_at` is Unix time in seconds."""

    received_at: float
    groups: Sequence[ServiceLogs]


def observe(batch: LogBatch) -> ObservedLogs:
    """Return `batch` with the service of each resource."""
    groups = [ServiceLogs(_service_of(group.resource), group.records) for group in batch.groups]
    return ObservedLogs(batch.received_at, groups)


def _service_of(resource: bytes) -> str:
    found = pick(resource_attributes(resource), {_SERVICE.encode()})
    name = attributes_of(found.values()).get(_SERVICE)
    return label_value(str(name)) if name else UNKNOWN_SERVICE
