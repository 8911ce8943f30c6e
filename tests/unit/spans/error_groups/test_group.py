"""The history of one group of errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.spans.error_groups.group import EXAMPLES, RELEASES, ErrorGroup, Example, State

HOUR, DAY = 3600.0, 86_400.0


def group(now: float = 0.0) -> ErrorGroup:
    return ErrorGroup("id", "shop", "KeyError", ["a.py f"], first_seen=now, last_seen=now)


def example(number: int) -> Example:
    return Example(f"{number:032x}", "", number * 10.0, f"m{number}")


def test_a_group_is_new_for_a_while_and_then_ongoing() -> None:
    subject = group(now=100.0)
    assert subject.state(100.0 + DAY - 1, DAY) is State.NEW
    assert subject.state(100.0 + DAY, DAY) is State.ONGOING


def test_a_resolved_group_that_comes_back_regressed_and_is_ongoing_after_a_while() -> None:
    subject = group()
    subject.mark, subject.marked_at = State.RESOLVED, 50.0
    assert subject.state(60.0, DAY) is State.RESOLVED
    subject.add("1", 1, 70.0, 71.0)
    assert subject.state(71.0, DAY) is State.REGRESSED
    assert subject.state(71.0 + DAY, DAY) is State.ONGOING


def test_an_error_from_before_the_group_was_resolved_is_no_regression() -> None:
    subject = group()
    subject.mark, subject.marked_at = State.RESOLVED, 50.0
    subject.add("1", 1, time=49.0, now=55.0)
    assert subject.state(55.0, DAY) is State.RESOLVED
    assert subject.count == 1


def test_errors_that_are_counted_in_another_sequence_than_they_came_leave_the_first_and_the_last_time() -> None:
    subject = group(now=100.0)
    for now in (100.0, 160.0, 95.0):
        subject.add("1", 1, now, now)
    release = subject.releases["1"]
    assert (subject.first_seen, subject.last_seen) == (95.0, 160.0)
    assert (release.first_seen, release.last_seen, release.count) == (95.0, 160.0, 3)


def test_an_ignored_group_is_counted_and_stays_ignored() -> None:
    subject = group()
    subject.mark = State.IGNORED
    subject.add("1", 2, 10.0, 10.0)
    assert (subject.state(10.0, DAY), subject.count) == (State.IGNORED, 2)


def test_the_trend_is_the_last_24_hours() -> None:
    subject = group()
    for hour, weight in ((0, 1), (1, 2), (1, 3), (30, 4), (53, 5)):
        subject.add("", weight, hour * HOUR, hour * HOUR + 1)
    assert subject.trend(53 * HOUR) == [4, *[0] * 22, 5]
    assert subject.trend(60 * HOUR)[-8] == 5
    assert subject.trend(100 * HOUR) == [0] * 24


@given(st.lists(st.floats(0, 20 * DAY), max_size=100))
def test_hours_are_bounded_and_the_trend_has_the_recent_ones(times: list[float]) -> None:
    subject = group()
    for time in sorted(times):
        subject.add("", 1, time, time)
    now = max(times, default=0.0)
    assert len(subject.hours) <= 24
    assert sum(subject.trend(now)) == sum(1 for time in times if time // HOUR > now // HOUR - 24)


def test_the_latest_releases_are_kept() -> None:
    subject = group()
    for number in range(RELEASES + 5):
        subject.add(f"v{number}", 1, number, number)
    subject.add("v14", 1, 20, 20)
    assert [*subject.releases] == [f"v{number}" for number in range(5, 15)]
    latest = subject.releases["v14"]
    assert (latest.first_seen, latest.last_seen, latest.count) == (14, 20, 2)


def test_the_first_example_stays_and_the_others_are_the_latest() -> None:
    subject = group()
    for number in range(10):
        assert subject.wants_example(number * 10.0)
        subject.add_example(example(number), f"s{number}")
    assert not subject.wants_example(95.0)
    assert [item.message for item in subject.examples] == ["m0", "m6", "m7", "m8", "m9"]
    assert len(subject.examples) == EXAMPLES
    assert (subject.message, subject.stack) == ("m9", "s9")


def test_of_a_long_stack_trace_both_ends_are_kept() -> None:
    subject = group()
    subject.add_example(example(1), "a" * 9000 + "z" * 9000)
    assert subject.stack == "a" * 2000 + "\n...\n" + "z" * 2000


@pytest.mark.parametrize(
    ("mark", "state"),
    [(State.RESOLVED, State.REGRESSED), (State.IGNORED, State.IGNORED), (None, State.ONGOING)],
)
def test_what_is_known_from_before_a_restart_is_added(mark: State | None, state: State) -> None:
    earlier, subject = group(), group(now=2 * DAY)
    earlier.add("v1", 3, 10.0, 10.0)
    earlier.add_example(example(1), "s")
    earlier.mark = mark
    subject.add("v2", 1, 2 * DAY, 2 * DAY)
    subject.add_example(example(2), "t")
    subject.merge(earlier)
    assert (subject.first_seen, subject.count, subject.state(2 * DAY, DAY)) == (0.0, 4, state)
    assert [*subject.releases] == ["v1", "v2"]
    assert [item.message for item in subject.examples] == ["m1", "m2"]
