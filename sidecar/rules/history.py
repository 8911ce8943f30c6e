"""What alerts went through: when each became pending, fired and ended."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice

import msgspec

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels
from sidecar.rules.record import RuleRecord
from sidecar.rules.state import ActiveAlert, ActiveAlerts

MOST_ALERTS = 1_000
MOST_TRANSITIONS = 20
"""Of one alert: its last."""


class Transition(msgspec.Struct, array_like=True, frozen=True):
    """An alert came into `state`; `inactive` is its end. `value` is that of the rule's expression then."""

    at_ms: int
    state: AlertState
    value: float


class AlertTransitions(msgspec.Struct, array_like=True):
    """An alert and its last transitions, the latest last."""

    id: str
    group: str
    rule: str
    labels: Labels
    transitions: list[Transition]

    @property
    def latest(self) -> Transition:
        """The last one; there is always one."""
        return self.transitions[-1]


_decode = msgspec.msgpack.Decoder(AlertTransitions).decode


class AlertHistory:
    """The last transitions of the alerts that changed last; a Restorable. Times are those of evaluations."""

    def __init__(self) -> None:
        self._alerts: dict[str, AlertTransitions] = {}
        self._changed: dict[str, None] = {}

    def note(self, record: RuleRecord, group: str, after: ActiveAlerts, now_ms: int) -> None:
        """Note that an evaluation at `now_ms` made `after` of the alerts of a rule."""
        for labels, alert in after.items():
            before = record.active.get(labels)
            if before is None or before.state is not alert.state:
                self._add(record, group, alert, alert.state, now_ms)
        for labels, alert in record.active.items():
            if labels not in after and alert.state is not AlertState.INACTIVE:
                self._add(record, group, alert, AlertState.INACTIVE, now_ms)

    def get(self, ident: str) -> AlertTransitions | None:
        """Return the alert with this id."""
        return self._alerts.get(ident)

    def newest(self) -> Iterator[AlertTransitions]:
        """Yield all alerts, that which changed last first."""
        return reversed(self._alerts.values())

    @property
    def changed(self) -> int:
        """How many records `next_changes` is about to return."""
        return len(self._changed)

    def next_changes(self, most: int) -> Sequence[tuple[str, bytes | None]]:
        """Return the next alerts that changed, None of those that had to make room."""
        idents = [*islice(self._changed, most)]
        for ident in idents:
            del self._changed[ident]
        found = ((ident, self._alerts.get(ident)) for ident in idents)
        return [(ident, None if it is None else msgspec.msgpack.encode(it)) for ident, it in found]

    def restore(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Take what an earlier process kept, that which changed last first; return how many were not readable."""
        unreadable = 0
        older: dict[str, AlertTransitions] = {}
        for ident, record in records:
            try:
                earlier = _decode(record)
            except msgspec.DecodeError:
                self._changed[ident] = None
                unreadable += 1
                continue
            present = self._alerts.get(ident)
            if present is not None:
                present.transitions = [*earlier.transitions, *present.transitions][-MOST_TRANSITIONS:]
                self._changed[ident] = None
            elif earlier.transitions:
                older[ident] = earlier
        self._alerts = dict(reversed(older.items())) | self._alerts
        self._make_room()
        return unreadable

    def _add(self, record: RuleRecord, group: str, alert: ActiveAlert, state: AlertState, now_ms: int) -> None:
        ident = _ident(record.source, alert.labels)
        entry = self._alerts.pop(ident, None) or AlertTransitions(ident, group, record.rule.name, alert.labels, [])
        entry.transitions = [*entry.transitions, Transition(now_ms, state, alert.value)][-MOST_TRANSITIONS:]
        self._alerts[ident] = entry
        self._changed[ident] = None
        self._make_room()

    def _make_room(self) -> None:
        while len(self._alerts) > MOST_ALERTS:
            gone = next(iter(self._alerts))
            del self._alerts[gone]
            self._changed[gone] = None
        while len(self._changed) > 2 * MOST_ALERTS:
            del self._changed[next(iter(self._changed))]


def _ident(source: str, labels: Labels) -> str:
    return blake2b(repr((source, labels)).encode(errors="surrogatepass"), digest_size=8).hexdigest()
