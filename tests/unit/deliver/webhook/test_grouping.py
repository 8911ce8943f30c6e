"""When alerts are told, and together with which: as an Alertmanager would, but for what grouping.py says."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.deliver.webhook.alerts import START_MS, Groups, alert, now


def test_the_first_alert_waits_for_others_of_its_group() -> None:
    groups = Groups()
    groups.accept(0, alert(n="1"))
    groups.accept(20, alert(n="2", seconds=20))
    assert groups.due(29.9) == []
    assert groups.due(30) == [("firing", ["1", "2"])]


def test_a_change_is_told_when_the_interval_has_passed_and_the_same_again_only_at_the_repetition() -> None:
    groups = Groups()
    groups.accept(0, alert(n="1"))
    assert groups.due(30) == [("firing", ["1"])]
    groups.accept(40, alert(n="2", seconds=40))
    assert groups.due(329) == []
    assert groups.due(330) == [("firing", ["1", "2"])]
    told = [seconds for seconds in range(331, 8000) if groups.due(seconds)]
    assert told == [330 + 3600, 330 + 7200]


def test_the_end_is_told_once_however_often_its_rule_says_so() -> None:
    groups = Groups()
    groups.accept(0, alert(n="1"), alert(n="2"))
    assert groups.due(30) == [("firing", ["1", "2"])]
    groups.accept(60, alert(n="1", ends=60))
    assert groups.due(330) == [("firing", ["1-", "2"])]
    groups.accept(340, alert(n="1", ends=60), alert(n="2", ends=340))
    assert groups.due(630) == [("resolved", ["2-"])]
    groups.accept(640, alert(n="1", ends=60), alert(n="2", ends=340))
    assert groups.grouping.group_count == groups.grouping.alert_count == 0
    assert groups.grouping.next_seconds is None


def test_an_alert_that_nobody_speaks_of_any_more_ends_by_itself() -> None:
    groups = Groups()
    groups.accept(0, alert(ends=240))
    assert groups.due(30) == [("firing", ["A"])]
    assert groups.due(330) == [("resolved", ["A-"])]


def test_what_began_and_ended_during_the_wait_is_not_told() -> None:
    groups = Groups()
    groups.accept(0, alert())
    groups.accept(10, alert(ends=10))
    assert groups.due(30) == []
    assert groups.grouping.group_count == 0


def test_an_old_alert_does_not_wait() -> None:
    groups = Groups()
    groups.accept(100, alert(seconds=0))
    assert groups.due(100) == [("firing", ["A"])]


def test_ends_are_not_told_where_nobody_wants_them() -> None:
    groups = Groups(send_resolved=False)
    groups.accept(0, alert(n="1"), alert(n="2"))
    assert groups.due(30) == [("firing", ["1", "2"])]
    groups.accept(40, alert(n="1", ends=40))
    assert groups.due(330) == []
    groups.accept(340, alert(n="2", ends=340))
    assert groups.due(630) == []
    groups.accept(640, alert(n="2", seconds=640))
    assert groups.due(670) == [("firing", ["2"])]


def test_what_was_not_taken_is_told_again_with_what_came_meanwhile() -> None:
    groups = Groups()
    groups.accept(0, alert(n="1"))
    assert groups.due(30, was_taken=False) == [("firing", ["1"])]
    groups.accept(40, alert(n="2", seconds=40))
    assert groups.due(330, was_taken=False) == [("firing", ["1", "2"])]
    groups.accept(340, alert(n="2", ends=340))
    assert groups.due(630) == [("firing", ["1", "2-"])]
    assert groups.due(930) == []


def test_a_group_under_way_is_not_told_a_second_time_and_a_change_meanwhile_is_told_later() -> None:
    groups = Groups()
    groups.accept(0, alert())
    (under_way,) = groups.grouping.due(now(30))
    groups.accept(100, alert(ends=100))
    assert groups.due(400) == []
    groups.grouping.finished(under_way, now(400), was_taken=True)
    assert groups.due(400) == [("resolved", ["A-"])]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ((), [["A", "A", "B"]]),
        (("alertname",), [["A", "A"], ["B"]]),
        (("zone",), [["A", "B"], ["A"]]),
        (("...",), [["A"], ["A"], ["B"]]),
    ],
)
def test_alerts_are_told_together_by_their_labels(by: tuple[str, ...], expected: list[list[str]]) -> None:
    groups = Groups(group_by=by)
    groups.accept(0, alert("A", zone="x"), alert("A", zone="y"), alert("B", zone="x"))
    assert [names for _, names in groups.due(30)] == expected


def test_groups_and_alerts_are_bounded_and_what_is_refused_is_counted() -> None:
    groups = Groups(max_groups=2, max_alerts=3)
    groups.accept(0, *(alert(name) for name in "ABC"), *(alert("A", n=str(number)) for number in range(3)))
    assert (groups.grouping.group_count, groups.grouping.alert_count, groups.dropped) == (2, 3, 3)


def test_what_is_muted_is_not_told_until_the_mute_is_over() -> None:
    muted = {"1"}
    groups = Groups(lambda labels, _: labels["n"] in muted)
    groups.accept(0, alert(n="1"), alert(n="2"))
    assert groups.due(30) == [("firing", ["2"])]
    muted.clear()
    assert groups.due(330) == [("firing", ["1", "2"])]


def test_the_end_of_what_was_told_waits_for_the_end_of_its_mute() -> None:
    muted: set[str] = set()
    groups = Groups(lambda labels, _: labels["n"] in muted)
    groups.accept(0, alert(n="1"), alert(n="2"))
    assert groups.due(30) == [("firing", ["1", "2"])]
    muted.add("1")
    groups.accept(60, alert(n="1", ends=60))
    assert groups.due(330) == []
    muted.clear()
    assert groups.due(630) == [("firing", ["1-", "2"])]


def test_what_fires_on_unseen_is_told_anew_after_its_group_was_told_to_have_ended() -> None:
    muted: set[str] = set()
    groups = Groups(lambda labels, _: labels["n"] in muted)
    groups.accept(0, alert(n="1"), alert(n="2"))
    assert groups.due(30) == [("firing", ["1", "2"])]
    muted.add("1")
    groups.accept(60, alert(n="2", ends=60))
    assert groups.due(330) == [("resolved", ["2-"])]
    muted.clear()
    assert groups.due(630) == [("firing", ["1"])]


STEPS = st.lists(
    st.tuples(st.sampled_from([1, 5, 40, 200]), st.sampled_from("12"), st.sampled_from(["fire", "end", "lost", ""])),
    max_size=40,
)


class History:
    """What an observer sees: when each alert fired, and when the receiver was told what."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self.told: dict[str, str] = {}
        self.told_at: float | None = None

    def check_told(self, seconds: float, alerts: Mapping[str, bool]) -> None:
        """Check that telling this is allowed: something is new, an interval after the last time, ends only once."""
        assert self.told_at is None or seconds - self.told_at >= 300
        news = {name for name, fires in alerts.items() if self.told.get(name) != ("firing" if fires else "ended")}
        assert news or (self.told_at is not None and seconds - self.told_at >= 3600)
        for name, fires in alerts.items():
            assert fires == (name in self.since)
            assert fires or self.told.get(name) != "ended"
        self.told.update({name: "firing" if fires else "ended" for name, fires in alerts.items()})
        self.told_at = seconds


@given(STEPS)
def test_nothing_that_fires_goes_untold_and_nothing_is_told_twice_within_the_intervals(
    steps: list[tuple[int, str, str]],
) -> None:
    groups, seen, seconds = Groups(group_by=()), History(), 0.0
    started: dict[str, float] = {}
    steps = [*steps, (400, "1", ""), (400, "2", ""), (400, "1", "")]
    for pause, name, what in steps:
        seconds += pause
        if what == "fire" and name not in seen.since:
            seen.since[name] = started[name] = seconds
            if seen.told.get(name) == "ended":
                del seen.told[name]  # this one is another, whose end may be told too
            groups.accept(seconds, alert(n=name, seconds=seconds))
        elif what == "end" and name in seen.since:
            del seen.since[name]
            groups.accept(seconds, alert(n=name, seconds=started[name], ends=seconds))
        for notification in groups.grouping.due(now(seconds)):
            was_taken = what != "lost"
            groups.grouping.finished(notification, now(seconds), was_taken=was_taken)
            if was_taken:
                fires = {one.labels["n"]: notification.is_firing(one) for one in notification.alerts}
                seen.check_told(seconds, fires)
        if groups.grouping.group_count == 0:
            seen.told_at = None  # the next alert begins a new group, which waits for itself alone
    assert {name for name, state in seen.told.items() if state == "firing"} == set(seen.since)
    assert groups.grouping.alert_count == len(seen.since)


def test_a_notification_names_its_group_as_an_alertmanager_does() -> None:
    groups = Groups(group_by=("alertname", "zone"))
    groups.accept(0, alert('a"b', zone="x"))
    (notification,) = groups.grouping.due(now(30))
    assert notification.key == '{}:{alertname="a\\"b", zone="x"}'
    assert notification.at_ms == START_MS + 30_000
    assert len(notification.id) == 64
