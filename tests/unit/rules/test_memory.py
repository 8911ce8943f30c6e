"""A restart neither resolves an alert nor fires it again."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels, labels_of
from sidecar.promql.parse import parse
from sidecar.rules.group import AlertingRule, RuleGroup
from sidecar.rules.memory import MOST_GONE, OUTAGE_TOLERANCE_MS, AlertMemory
from sidecar.rules.record import RuleRecord
from sidecar.rules.state import ActiveAlert, Finding, Holding, due, step
from sidecar.rules.store import RuleStore

SECOND_MS, MINUTE_MS = 1_000, 60_000
START_MS = 1_700_000_000_000
RULE = AlertingRule("Slow", parse("rate(errors[5m]) > 1"), for_ms=2 * MINUTE_MS)
GROUP = RuleGroup("f.yml", "g", 15 * SECOND_MS, (RULE,))
HELD_MS = 5 * MINUTE_MS + 30 * SECOND_MS
"""The range of the rule and two intervals."""
LABELS = labels_of({"alertname": "Slow", "job": "shop"})


class Life:
    """A process from its start until it is killed, with the state file that it found."""

    def __init__(self, records: dict[str, bytes], now_ms: int, group: RuleGroup = GROUP) -> None:
        self.records = records
        self.store = RuleStore()
        self.memory: AlertMemory = self.store.memory
        self.memory.restore(reversed(records.items()))
        self.store.adopt([group])
        self.group = group
        for record in self.store.rules:
            self.memory.take_back(record, group, 0, now_ms)

    @property
    def record(self) -> RuleRecord:
        return next(iter(self.store.rules))

    @property
    def alert(self) -> ActiveAlert | None:
        return self.record.active.get(LABELS)

    def evaluate(self, now_ms: int, labels: Sequence[Labels] = (LABELS,)) -> list[ActiveAlert]:
        """Return what receivers are told."""
        rule = self.record.rule
        assert isinstance(rule, AlertingRule)
        findings = [Finding(of, (("summary", "slow"),), 2.0) for of in labels]
        stepped = step(self.record.active, findings, now_ms, Holding(rule.for_ms, rule.keep_firing_for_ms))
        active, sent = due(stepped, now_ms, MINUTE_MS, self.group.interval_ms)
        self.memory.note(self.record, active, now_ms)
        self.record.active = active
        self._flush()
        return [*sent]

    def _flush(self) -> None:
        while self.memory.changed:
            for key, record in self.memory.next_changes(2):
                self.records.pop(key, None)
                if record is not None:
                    self.records[key] = record


def firing(now_ms: int = START_MS) -> dict[str, bytes]:
    """Return the file of a process whose alert fires since `now_ms`, pending since the time of `for` before."""
    life = Life({}, now_ms)
    life.evaluate(now_ms - RULE.for_ms)
    assert life.evaluate(now_ms)
    return life.records


def test_an_alert_that_fired_goes_on_firing_since_the_same_time() -> None:
    life = Life(firing(), START_MS + MINUTE_MS)
    life.evaluate(START_MS + MINUTE_MS + SECOND_MS)
    assert life.alert is not None
    assert (life.alert.state, life.alert.fired_at_ms) == (AlertState.FIRING, START_MS)


def test_it_is_not_resolved_while_its_rule_looks_further_back_than_the_start_and_told_as_usual() -> None:
    began_ms = START_MS + MINUTE_MS
    life = Life(firing(), began_ms)
    told = []
    for now_ms in range(began_ms, began_ms + HELD_MS, GROUP.interval_ms):
        told += life.evaluate(now_ms, [])
        assert life.alert is not None
        assert life.alert.state is AlertState.FIRING
    assert len(told) == 5  # a minute lies between them
    life.evaluate(began_ms + HELD_MS, [])
    assert life.alert is not None
    assert (life.alert.state, life.alert.resolved_at_ms) == (AlertState.INACTIVE, began_ms + HELD_MS)


def test_one_that_is_seen_again_is_held_as_long() -> None:
    life = Life(firing(), START_MS + MINUTE_MS)
    life.evaluate(START_MS + MINUTE_MS)
    life.evaluate(START_MS + 2 * MINUTE_MS, [])
    assert life.alert is not None
    assert life.alert.state is AlertState.FIRING


def test_it_is_held_through_a_second_restart_from_the_start_of_that() -> None:
    again = Life(Life(firing(), START_MS + MINUTE_MS).records, START_MS + 4 * MINUTE_MS)
    again.evaluate(START_MS + 4 * MINUTE_MS + HELD_MS - 1, [])
    assert again.alert is not None
    assert again.alert.state is AlertState.FIRING


def test_a_pending_one_waits_on_and_the_outage_does_not_count() -> None:
    before = Life({}, START_MS)
    before.evaluate(START_MS)
    life = Life(before.records, START_MS + MINUTE_MS)
    assert life.evaluate(START_MS + 2 * MINUTE_MS) == []
    (told,) = life.evaluate(START_MS + 3 * MINUTE_MS)
    assert told.active_at_ms == START_MS + MINUTE_MS


def test_a_pending_one_does_not_fire_while_it_is_not_seen() -> None:
    before = Life({}, START_MS)
    before.evaluate(START_MS)
    life = Life(before.records, START_MS + SECOND_MS)
    assert life.evaluate(START_MS + 4 * MINUTE_MS, []) == []
    assert life.alert is not None


def test_a_resolved_one_is_told_until_its_quarter_of_an_hour_is_over() -> None:
    before = Life(firing(), START_MS)
    before.evaluate(START_MS + HELD_MS, [])
    life = Life(before.records, START_MS + HELD_MS + MINUTE_MS)
    (told,) = life.evaluate(START_MS + HELD_MS + 2 * MINUTE_MS, [])
    assert told.resolved_at_ms == START_MS + HELD_MS


def test_after_an_outage_longer_than_is_tolerated_alerts_begin_anew() -> None:
    life = Life(firing(), START_MS + OUTAGE_TOLERANCE_MS + 1)
    assert life.alert is None
    life.evaluate(START_MS + OUTAGE_TOLERANCE_MS + 1, [])
    assert Life(life.records, START_MS + OUTAGE_TOLERANCE_MS + 2).alert is None


@pytest.mark.parametrize("ahead_ms", [86_400_000, 30 * 86_400_000])
def test_times_of_a_clock_that_was_ahead_become_the_present(ahead_ms: int) -> None:
    life = Life(firing(START_MS + ahead_ms), START_MS)
    assert life.alert is not None
    assert (life.alert.fired_at_ms, life.alert.active_at_ms) == (START_MS, START_MS)


@pytest.mark.parametrize("behind_ms", [86_400_000, 30 * 86_400_000])
def test_a_clock_that_is_set_back_ends_the_hold(behind_ms: int) -> None:
    life = Life(firing(), START_MS)
    life.evaluate(START_MS - behind_ms, [])
    assert life.alert is not None
    assert life.alert.state is AlertState.INACTIVE


def test_a_file_that_comes_late_joins_what_was_seen_meanwhile() -> None:
    records = firing()
    life = Life({}, START_MS + MINUTE_MS)
    life.evaluate(START_MS + MINUTE_MS)
    life.memory.restore(reversed(records.items()))
    life.memory.take_back(life.record, GROUP, 0, START_MS + 2 * MINUTE_MS)
    life.evaluate(START_MS + 2 * MINUTE_MS)
    assert life.alert is not None
    assert (life.alert.state, life.alert.fired_at_ms) == (AlertState.FIRING, START_MS)


def test_what_is_no_more_leaves_the_file() -> None:
    records = firing()
    other = RuleGroup("f.yml", "g", GROUP.interval_ms, (replace(RULE, name="Other"),))
    life = Life(records, START_MS, other)
    life.memory.forget_found()
    life.evaluate(START_MS, [])
    assert [*life.records] == ["evaluated"]


def test_a_rule_that_a_reload_took_away_for_good_leaves_the_file() -> None:
    life = Life(firing(), START_MS)
    life.store.adopt([])
    life.store.forget()
    life._flush()
    assert [*life.records] == ["evaluated"]


def test_records_that_cannot_be_read_are_counted_and_leave_the_file() -> None:
    memory = AlertMemory()
    assert memory.restore([("a", b"\xff"), ("b", msgspec.msgpack.encode(["rule"])), ("evaluated", b"")]) == 3
    assert dict(memory.next_changes(10)) == {"a": None, "b": None, "evaluated": None}


def test_only_what_changed_is_written() -> None:
    life = Life(firing(), START_MS)
    life.evaluate(START_MS + SECOND_MS)
    life.evaluate(START_MS + 2 * SECOND_MS)
    life.memory.note(life.record, life.record.active, START_MS + 3 * SECOND_MS)
    assert [key for key, _ in life.memory.next_changes(100)] == ["evaluated"]


def test_without_a_file_what_is_gone_is_forgotten_in_the_end() -> None:
    life = Life({}, START_MS)
    record = life.record
    for begin in range(0, 3 * MOST_GONE, 1000):
        labels = [labels_of({"n": str(number)}) for number in range(begin, begin + 1000)]
        after = {of: ActiveAlert(of, (), 1.0, START_MS) for of in labels}
        life.memory.note(record, after, START_MS)
        record.active = after
    assert life.memory.changed <= MOST_GONE + 1000 + 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_whatever_restarts_happen_an_alert_that_is_always_seen_fires_once(moments: list[tuple[bool, bool]]) -> None:
    """Each moment is an evaluation; the first flag is whether the process was killed before it."""
    records = firing()
    life = Life(records, START_MS)
    for number, (is_killed, is_seen) in enumerate(moments):
        now_ms = START_MS + number * GROUP.interval_ms
        if is_killed:
            life = Life(records, now_ms)
        told = life.evaluate(now_ms, [LABELS] if is_seen or number * GROUP.interval_ms >= HELD_MS else [])
        assert {alert.fired_at_ms for alert in told} <= {START_MS}
        assert life.alert is not None
        assert life.alert.state is AlertState.FIRING
