"""What is known of rules from their evaluations: kept over reloads, read by the API and the page."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sidecar.rules.group import AlertingRule, RuleGroup
from sidecar.rules.history import AlertHistory
from sidecar.rules.memory import AlertMemory
from sidecar.rules.record import GroupRecord, RuleRecord
from sidecar.rules.state import moved


class RuleStore:
    """All groups that are evaluated. It lives as long as the process; reloads change what is in it.

    `memory` is what a restart is to find of their alerts, `history` what these went through.
    """

    def __init__(self) -> None:
        self.groups: tuple[GroupRecord, ...] = ()
        self.memory = AlertMemory()
        self.history = AlertHistory()
        self.moved_ms = 0
        """By how much all alerts were moved, ahead and back together."""
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

    def move(self, seconds: float) -> None:
        """Have all alerts at times that are later by `seconds`: the clock was set, and no time passed."""
        ms = round(seconds * 1000)
        self.moved_ms += ms
        for record in (*self.rules, *self._gone.values()):
            record.active = moved(record.active, ms)
            self.memory.rewrite(record)

    def forget(self) -> None:
        """Forget the rules that are no more."""
        for record in self._gone.values():
            self.memory.drop(record)
        self.memory.forget_found()
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
