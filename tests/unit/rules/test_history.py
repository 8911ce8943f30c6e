"""What alerts went through is kept, of the last ones, over restarts too."""

import msgspec

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels, labels_of
from sidecar.promql.ast import Number
from sidecar.rules.group import AlertingRule
from sidecar.rules.history import MOST_ALERTS, MOST_TRANSITIONS, AlertHistory
from sidecar.rules.record import RuleRecord
from sidecar.rules.state import ActiveAlert

LABELS = labels_of({"alertname": "Down", "job": "shop"})
PENDING, FIRING, INACTIVE = AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE


class Rule:
    """One rule, and the history that hears of it."""

    def __init__(self, history: AlertHistory) -> None:
        self.history = history
        self.record = RuleRecord(AlertingRule("Down", Number(1)), "rule/f;g;alert;Down{};0")

    def becomes(self, state: AlertState | None, at_ms: int, labels: Labels = LABELS, value: float = 1.0) -> None:
        after = {**self.record.active, labels: ActiveAlert(labels, (), value, 0, state)} if state else {}
        self.history.note(self.record, "f;g", after, at_ms)
        self.record.active = after


def states(history: AlertHistory) -> list[list[tuple[int, AlertState]]]:
    return [[(it.at_ms, it.state) for it in told.transitions] for told in history.newest()]


def restarted(history: AlertHistory) -> AlertHistory:
    after = AlertHistory()
    records = [(key, record) for key, record in history.next_changes(10_000) if record is not None]
    assert after.restore(reversed(records)) == 0
    return after


def test_each_change_of_state_is_there_with_its_time_and_value() -> None:
    rule = Rule(AlertHistory())
    for at_ms, state in enumerate([PENDING, PENDING, FIRING, FIRING, INACTIVE, INACTIVE, None]):
        rule.becomes(state, at_ms, value=at_ms * 2.0)
    (told,) = rule.history.newest()
    assert [(it.at_ms, it.state, it.value) for it in told.transitions] == [
        (0, PENDING, 0.0),
        (2, FIRING, 4.0),
        (4, INACTIVE, 8.0),
    ]
    assert (told.rule, told.group, told.labels) == ("Down", "f;g", LABELS)


def test_a_pending_alert_whose_condition_ends_has_an_end_too() -> None:
    rule = Rule(AlertHistory())
    rule.becomes(PENDING, 0)
    rule.becomes(None, 1)
    assert states(rule.history) == [[(0, PENDING), (1, INACTIVE)]]


def test_it_goes_on_after_a_restart_and_what_changed_last_comes_first() -> None:
    first = Rule(AlertHistory())
    other = labels_of({"alertname": "Down", "job": "other"})
    first.becomes(PENDING, 0)
    first.becomes(FIRING, 1, other)
    again = Rule(restarted(first.history))
    again.record.active = first.record.active
    again.becomes(FIRING, 2)
    assert states(again.history) == [[(0, PENDING), (2, FIRING)], [(1, FIRING)]]


def test_a_file_that_comes_late_goes_before_what_happened_meanwhile() -> None:
    first, meanwhile = Rule(AlertHistory()), Rule(AlertHistory())
    first.becomes(PENDING, 0)
    meanwhile.becomes(FIRING, 1)
    meanwhile.history.restore([(key, record) for key, record in first.history.next_changes(1) if record])
    assert states(meanwhile.history) == [[(0, PENDING), (1, FIRING)]]


def test_alerts_and_transitions_are_bounded_and_what_made_room_leaves_the_file() -> None:
    rule = Rule(AlertHistory())
    for at_ms in range(3 * MOST_TRANSITIONS):
        rule.becomes(FIRING if at_ms % 2 else INACTIVE, at_ms)
    (told,) = rule.history.newest()
    assert len(told.transitions) == MOST_TRANSITIONS
    rule.record.active = {}
    for number in range(MOST_ALERTS):
        rule.record.active = {}
        rule.becomes(FIRING, number, labels_of({"n": str(number)}))
    assert len(list(rule.history.newest())) == MOST_ALERTS
    assert rule.history.get(told.id) is None
    assert dict(rule.history.next_changes(10_000))[told.id] is None


def test_what_cannot_be_read_is_counted_and_leaves_the_file() -> None:
    history = AlertHistory()
    assert history.restore([("a", b"\xff"), ("b", msgspec.msgpack.encode([1]))]) == 2
    assert dict(history.next_changes(10)) == {"a": None, "b": None}
