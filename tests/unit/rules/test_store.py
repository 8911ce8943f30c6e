"""What is known of rules survives a reload where the rule does."""

from sidecar.promql.ast import Number
from sidecar.rules.group import AlertingRule, RecordingRule, Rule, RuleGroup
from sidecar.rules.record import RuleHealth
from sidecar.rules.state import ActiveAlert, ActiveAlerts
from sidecar.rules.store import RuleStore

ONE, TWO = Number(1), Number(2)
ACTIVE: ActiveAlerts = {(): ActiveAlert((), (), 1.0, 0)}


def group(*rules: Rule, name: str = "g") -> RuleGroup:
    return RuleGroup("f.yml", name, 60_000, rules)


def evaluated(*rules: Rule) -> RuleStore:
    store = RuleStore()
    store.adopt([group(*rules)])
    for number, record in enumerate(store.rules):
        record.health, record.active, record.duration_seconds = RuleHealth.OK, ACTIVE, float(number)
    return store


def test_a_rule_of_the_same_name_and_labels_keeps_its_state_and_takes_the_new_expression() -> None:
    store = evaluated(AlertingRule("A", ONE))
    assert store.adopt([group(AlertingRule("A", TWO, for_ms=5))]) == ()
    (record,) = store.rules
    assert (record.active, record.health) == (ACTIVE, RuleHealth.OK)
    assert record.rule == AlertingRule("A", TWO, for_ms=5)


def test_a_rule_that_moved_within_its_group_keeps_its_state_and_its_source() -> None:
    store = evaluated(AlertingRule("A", ONE), AlertingRule("B", ONE))
    sources = [record.source for record in store.rules]
    store.adopt([group(AlertingRule("New", ONE), AlertingRule("B", ONE), AlertingRule("A", ONE))])
    assert [record.source for record in store.rules][1:] == sources[::-1]
    assert [record.duration_seconds for record in store.rules] == [0.0, 1.0, 0.0]


def test_a_rule_with_other_labels_of_another_kind_or_in_another_group_is_another_rule() -> None:
    store = evaluated(AlertingRule("A", ONE), RecordingRule("r", ONE))
    gone = [record.source for record in store.rules]
    groups = [
        group(AlertingRule("A", ONE, (("x", "y"),)), AlertingRule("r", ONE)),
        group(AlertingRule("A", ONE), name="h"),
    ]
    assert list(store.adopt(groups)) == gone
    assert all(record.health is RuleHealth.UNKNOWN and not record.active for record in store.rules)


def test_equal_rules_have_sources_of_their_own() -> None:
    store = evaluated(AlertingRule("A", ONE), AlertingRule("A", ONE))
    assert len({record.source for record in store.rules}) == 2


def test_taking_all_groups_away_ends_all_sources() -> None:
    store = evaluated(AlertingRule("A", ONE), RecordingRule("r", ONE))
    assert len(store.adopt([])) == 2
    assert list(store.rules) == []


def test_a_rule_that_comes_back_before_it_is_forgotten_is_as_it_was_and_later_begins_anew() -> None:
    store = evaluated(AlertingRule("A", ONE))
    (record,) = store.rules
    assert store.adopt([]) == (record.source,)
    assert store.adopt([group(AlertingRule("A", ONE))]) == ()
    assert list(store.rules) == [record]
    store.adopt([])
    store.forget()
    store.adopt([group(AlertingRule("A", ONE))])
    assert [record.active for record in store.rules] == [{}]
