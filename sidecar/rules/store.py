"""What is known of rules from their evaluations: kept over reloads, read by the API and the page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sidecar.rules.group import AlertingRule, Rule, RuleGroup
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
    file, so that a rule which a reload moves goes on with its own series.
    """

    rule: Rule
    source: str
    active: ActiveAlerts = field(default_factory=dict)
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


class RuleStore:
    """All groups that are evaluated. It lives as long as the process; reloads change what is in it."""

    def __init__(self) -> None:
        self.groups: tuple[GroupRecord, ...] = ()
        self._gone: dict[str, RuleRecord] = {}

    @property
    def rules(self) -> Iterable[RuleRecord]:
        """All rules, in the order of files and groups."""
        return (record for group in self.groups for record in group.rules)

    def adopt(self, groups: Sequence[RuleGroup]) -> tuple[str, ...]:
        """Make `groups` the ones that are evaluated; return the sources of the rules that are no more.

        A rule of the same file, group, kind, name and labels keeps what is known of it, its active alerts above all.
        One that is no more does so until `forget`: the reload that took it away may be taken back.
        """
        before = {record.source: record for record in self.rules}
        known = self._gone | before
        old_groups = {record.group.key: record for record in self.groups}
        self.groups = tuple(_adopted(group, known, old_groups.get(group.key)) for group in groups)
        living = {record.source for record in self.rules}
        self._gone = {source: record for source, record in known.items() if source not in living}
        return tuple(source for source in before if source not in living)

    def forget(self) -> None:
        """Forget the rules that are no more."""
        self._gone = {}


def _adopted(group: RuleGroup, known: dict[str, RuleRecord], old: GroupRecord | None) -> GroupRecord:
    records = []
    for rule, source in zip(group.rules, _sources(group), strict=True):
        record = known.get(source) or RuleRecord(rule, source)
        record.rule = rule
        records.append(record)
    if old is None:
        return GroupRecord(group, tuple(records))
    return GroupRecord(group, tuple(records), old.evaluated_at_ms, old.duration_seconds)


def _sources(group: RuleGroup) -> list[str]:
    """Return a name for each rule; equal rules are told apart by their order."""
    seen: Counter[str] = Counter()
    sources = []
    for rule in group.rules:
        kind = "alert" if isinstance(rule, AlertingRule) else "record"
        labels = ",".join(f'{name}="{text}"' for name, text in rule.labels)
        identity = f"rule/{group.key};{kind};{rule.name}{{{labels}}}"
        sources.append(f"{identity};{seen[identity]}")
        seen[identity] += 1
    return sources
