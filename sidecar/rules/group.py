"""Rules and groups as rule files define them, and the times at which a group is evaluated."""

from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

from sidecar.promql.ast import Expr

RuleLabels: TypeAlias = tuple[tuple[str, str], ...]
"""Labels a rule adds, sorted by name; unlike Labels it keeps empty values, which remove a label of the result."""


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """Writes the result of `expr` as the series `name`."""

    name: str
    expr: Expr
    labels: RuleLabels = ()


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """Raises an alert for each series in the result of `expr`; labels and annotations are templates."""

    name: str
    expr: Expr
    labels: RuleLabels = ()
    annotations: tuple[tuple[str, str], ...] = ()
    for_ms: int = 0
    keep_firing_for_ms: int = 0


Rule: TypeAlias = RecordingRule | AlertingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together, in order; `limit` 0 means none.

    Expressions are evaluated `query_offset_ms` before the group's own time, for metrics that arrive late.
    """

    file: str
    name: str
    interval_ms: int
    rules: tuple[Rule, ...]
    limit: int = 0
    query_offset_ms: int = 0

    @property
    def key(self) -> str:
        """Return `file;name`, which is unique and what Prometheus' own metrics call `rule_group`."""
        return f"{self.file};{self.name}"

    def slot(self, now_ms: int) -> int:
        """Return the latest time up to `now_ms` at which this group is due.

        Groups are spread over their interval by a hash of their key, the same in every process.
        """
        phase = crc32(self.key.encode()) % self.interval_ms
        return now_ms - (now_ms - phase) % self.interval_ms
