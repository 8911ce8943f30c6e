"""What is remembered of alerts over a restart, and what becomes of it in the next process."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import msgspec

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels
from sidecar.promql.reach import longest_range_ms
from sidecar.rules.group import RuleGroup
from sidecar.rules.record import RuleRecord
from sidecar.rules.state import ActiveAlert, ActiveAlerts

OUTAGE_TOLERANCE_MS = 3_600_000
"""After a longer outage alerts begin anew: Prometheus' `--rules.alert.for-outage-tolerance`."""
MOST_GONE = 10_000
"""Of alerts that are gone while there is no file, so many are known to be gone when there is one."""
_EVALUATED = "evaluated"
"""Key of the record that says when rules were evaluated last; the others are hashes."""

Change: TypeAlias = tuple[str, bytes | None]


class _Name(NamedTuple):
    """An alert: its rule, by the name that `RuleRecord.source` is, and its labels."""

    source: str
    labels: Labels

    @property
    def key(self) -> str:
        return blake2b(repr(self).encode(errors="surrogatepass"), digest_size=16).hexdigest()


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """An alert in the state file: the rule's name, and the fields of ActiveAlert."""

    source: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    value: float
    active_at_ms: int
    state: AlertState
    fired_at_ms: int | None
    resolved_at_ms: int | None
    keep_firing_since_ms: int | None
    last_sent_at_ms: int | None
    valid_until_ms: int | None


_FIELDS = _Kept.__struct_fields__[1:]
_TIMES = ("active_at_ms", "fired_at_ms", "resolved_at_ms", "keep_firing_since_ms", "last_sent_at_ms")
_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.Decoder(_Kept).decode


class AlertMemory:
    """Remembers the alerts of all rules; a Restorable.

    What an earlier process kept is given back once, to the rule it belongs to. Without a state file nobody asks for
    changes, and nothing is ever found.
    """

    def __init__(self) -> None:
        self._active: dict[_Name, ActiveAlert] = {}
        self._changed: dict[_Name, None] = {}
        self._evaluated_at_ms: int | None = None
        self._is_evaluated = False
        self._found: dict[str, dict[Labels, ActiveAlert]] = {}
        self._stopped_at_ms: int | None = None
        self._began_at_ms: int | None = None
        self._unreadable: list[str] = []

    def note(self, record: RuleRecord, after: ActiveAlerts, now_ms: int) -> None:
        """Note that an evaluation at `now_ms` made `after` of the alerts of a rule."""
        source, before = record.source, record.active
        self._evaluated_at_ms = now_ms
        self._is_evaluated = True
        for labels, alert in after.items():
            known = before.get(labels)
            if known is None or _essence(alert) != _essence(known):
                self._mark(_Name(source, labels), alert)
        for labels in before:
            if labels not in after:
                self._mark(_Name(source, labels), None)

    def take_back(self, record: RuleRecord, group: RuleGroup, settle_ms: int, now_ms: int) -> None:
        """Give a rule back the alerts that were found of it.

        These do not change for want of series until what the rule looks at was collected for as long as it looks back,
        and for `settle_ms` or two intervals, whichever is longer: since the first call.
        """
        began_at_ms = self._began_at_ms = now_ms if self._began_at_ms is None else self._began_at_ms
        found = self._found.pop(record.source, None)
        if not found:
            return
        covered_ms = longest_range_ms(record.rule.expr) + max(settle_ms, 2 * group.interval_ms)
        merged = dict(record.active)
        for labels, alert in found.items():
            alive = self._after_the_outage(alert, now_ms)
            if alive is not None:
                held = replace(alive, held=(began_at_ms, began_at_ms + covered_ms))
                merged[labels] = _joined(held, merged.get(labels))
            self._mark(_Name(record.source, labels), merged.get(labels))
        record.active = merged

    def rewrite(self, record: RuleRecord) -> None:
        """Note that all alerts of a rule have other times."""
        for labels, alert in record.active.items():
            self._mark(_Name(record.source, labels), alert)

    def drop(self, record: RuleRecord) -> None:
        """Forget the alerts of a rule that is no more."""
        for labels in record.active:
            self._mark(_Name(record.source, labels), None)

    def forget_found(self) -> None:
        """Forget what was found of rules that there are not any more."""
        for source, alerts in self._found.items():
            for labels in alerts:
                self._mark(_Name(source, labels), None)
        self._found = {}

    @property
    def changed(self) -> int:
        """How many records `next_changes` is about to return."""
        return len(self._changed) + len(self._unreadable) + self._is_evaluated

    def next_changes(self, most: int) -> Sequence[Change]:
        """Return what is to be kept of the next alerts that changed, None of those that are gone.

        The time of the last evaluation comes last, so that it is found first.
        """
        changes: list[Change] = [(key, None) for key in self._unreadable[:most]]
        del self._unreadable[:most]
        for name in tuple(islice(self._changed, most - len(changes))):
            del self._changed[name]
            alert = self._active.get(name)
            changes.append((name.key, None if alert is None else _packed(name.source, alert)))
        if len(changes) < most and self._is_evaluated:
            self._is_evaluated = False
            changes.append((_EVALUATED, msgspec.msgpack.encode(self._evaluated_at_ms)))
        return changes

    def restore(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Take what an earlier process kept; return how many records were not readable."""
        unreadable = 0
        for key, record in records:
            try:
                if key == _EVALUATED:
                    self._stopped_at_ms = msgspec.msgpack.decode(record, type=int)
                    continue
                kept = _decode(record)
            except msgspec.DecodeError:
                self._unreadable.append(key)
                unreadable += 1
                continue
            alert = ActiveAlert(*(getattr(kept, name) for name in _FIELDS))
            self._found.setdefault(kept.source, {})[alert.labels] = alert
        return unreadable

    def _mark(self, name: _Name, alert: ActiveAlert | None) -> None:
        self._changed[name] = None
        if alert is not None:
            self._active[name] = alert
            return
        self._active.pop(name, None)
        if len(self._changed) > len(self._active) + MOST_GONE:
            del self._changed[next(name for name in self._changed if name not in self._active)]

    def _after_the_outage(self, alert: ActiveAlert, now_ms: int) -> ActiveAlert | None:
        """Return what is left of `alert`: nobody saw whether it went on while nothing was evaluated.

        One that was pending waits as much longer. No time lies ahead, whatever the clock said when it was written.
        """
        stopped_at_ms = now_ms if self._stopped_at_ms is None else self._stopped_at_ms
        outage_ms = max(0, now_ms - stopped_at_ms)
        if outage_ms > OUTAGE_TOLERANCE_MS:
            return None
        if alert.state is AlertState.PENDING:
            return replace(alert, active_at_ms=min(alert.active_at_ms + outage_ms, now_ms))
        ahead: dict[str, Any] = {name: now_ms for name in _TIMES if (getattr(alert, name) or 0) > now_ms}
        return replace(alert, **ahead)


def _joined(found: ActiveAlert, present: ActiveAlert | None) -> ActiveAlert:
    """Return the alert that was `found`, which the evaluations before that saw as `present`."""
    if present is None or found.state is AlertState.INACTIVE:
        return present or found
    if present.state is AlertState.INACTIVE:
        return present
    return replace(found, annotations=present.annotations, value=present.value)


def _essence(alert: ActiveAlert) -> tuple[object, ...]:
    """Return what is worth a write: not the value and the annotations, which change at each evaluation."""
    return (alert.state, *(getattr(alert, name) for name in _TIMES))


def _packed(source: str, alert: ActiveAlert) -> bytes | None:
    try:
        return _encode(_Kept(source, *(getattr(alert, name) for name in _FIELDS)))
    except UnicodeEncodeError:
        return None  # no file can hold it
