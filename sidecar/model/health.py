"""What a check found, in the words of application/health+json."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Outcome of a check; `unknown` is neither good nor bad: each probe group decides what it means."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a check did not pass; liveness treats a silent app differently from one that is restarting."""

    NONE = ""
    TIMEOUT = "timeout"
    REFUSED = "refused"
    ANSWERED_BADLY = "answered badly"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Health:
    """Result of one run of a check: `reason` is for people and holds no secret."""

    status: Status
    cause: Cause = Cause.NONE
    reason: str = ""
    latency_seconds: float = 0.0
