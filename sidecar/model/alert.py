"""Alerts: the states one passes through, and the form in which receivers are told about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AlertState(StrEnum):
    """Where an alert stands; the value is what `alertstate` and the Prometheus HTTP API say."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """What a receiver is told: an alert that fires until `ends_at_ms`, or was resolved then.

    While it fires the end lies ahead, so that a receiver which hears no more of it resolves it by itself. Times are
    Unix time in milliseconds; labels include `alertname` and the external labels.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at_ms: int
    ends_at_ms: int
    generator_url: str
