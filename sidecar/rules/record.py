"""What is known of a rule and of a group from their evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sidecar.model.family import FamilySamples
from sidecar.rules.group import Rule, RuleGroup
from sidecar.rules.state import ActiveAlerts


class RuleHealth(StrEnum):
    """Whether the last evaluation of a rule worked, in the words of the Prometheus HTTP API."""

    UNKNOWN = "unknown"
    OK = "ok"
    ERR = "err"


@dataclass(slots=True)
class RuleRecord:
    """One rule and what its evaluations gave; only the evaluation writes, anyone may read.

    `source` names the rule's series in the head. It depends on the rule's name and labels and not on its place in the
    file, so that a rule which a reload moves goes on with its own series. `families` is what the last evaluation gave,
    nothing if it failed.
    """

    rule: Rule
    source: str
    active: ActiveAlerts = field(default_factory=dict)
    families: Sequence[FamilySamples] = ()
    health: RuleHealth = RuleHealth.UNKNOWN
    last_error: str = ""
    evaluated_at_ms: int | None = None
    duration_seconds: float = 0.0


@dataclass(slots=True)
class GroupRecord:
    """One group and what its evaluations gave."""

    group: RuleGroup
    rules: tuple[RuleRecord, ...]
    evaluated_at_ms: int | None = None
    duration_seconds: float = 0.0
