"""The head while the clock is set ahead and back, or the machine sleeps."""

import pytest

from sidecar.model.steps import finished
from tests.unit.tsdb.test_head import batch, by_label, head, series

SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000
NOW = 1_700_000_000_000


def test_a_clock_that_was_ahead_for_a_while_costs_its_columns_and_no_batch() -> None:
    store = head()
    for step in range(4):
        store.accept(batch(NOW + 15 * SECOND * step, [("1", step)]))
    for step in range(4, 6):
        store.accept(batch(NOW + DAY + 15 * SECOND * step, [("1", step), ("2", step)]))
    for step in range(6, 8):
        assert store.accept(batch(NOW + 15 * SECOND * step, [("1", step)])) == 0
    assert by_label(store)["1"] == [0, 1, 2, 3, 6, 7]
    assert "2" not in by_label(store) or set(by_label(store)["2"]) == {None}
    assert (store.cut_total, store.refused_total) == (2, 0)


def test_what_ended_while_the_clock_was_ahead_is_cut_too() -> None:
    store = head()
    store.accept(batch(NOW, [("1", 1.0)], source="redis/main"))
    store.accept(batch(NOW, [("1", 1.0)]))
    store.accept(batch(NOW + DAY, [("1", 2.0)]))
    store.end("redis/main", NOW + DAY)
    store.accept(batch(NOW + 30 * SECOND, [("1", 3.0)]))
    assert series(store, start=NOW + 2 * MINUTE) == {}
    assert store.cut_total == 2


def test_what_came_before_the_clock_was_set_ahead_is_kept_for_its_retention_and_no_longer() -> None:
    store = head(retention_seconds=600)
    for minute in range(10):
        store.accept(batch(NOW + minute * MINUTE, [("1", minute)]))
    for minute in range(10, 15):
        store.accept(batch(NOW + DAY + minute * MINUTE, [("1", minute)]))
    assert by_label(store)["1"][-10:] == [*range(5, 15)]
    for minute in range(15, 30):
        store.accept(batch(NOW + DAY + minute * MINUTE, [("1", minute)]))
    assert len(by_label(store)["1"]) <= 12
    assert by_label(store)["1"][-10:] == [*range(20, 30)]


def test_readers_keep_what_they_were_given_when_columns_are_cut_and_written_anew() -> None:
    store = head()
    store.accept(batch(NOW, [("1", 1.0)]))
    store.accept(batch(NOW + DAY, [("1", 2.0)]))
    before = store.select((), 0, NOW + 2 * DAY)
    values = [block.values.copy() for block in before]
    store.accept(batch(NOW + 5 * SECOND, [("1", 3.0)]))
    assert all((block.values == value).all() for block, value in zip(before, values, strict=True))


def test_series_are_counted_right_when_nothing_of_a_source_is_left_of_the_time_before() -> None:
    store = head(max_series=100)
    store.accept(batch(NOW + DAY, [(str(number), 1.0) for number in range(60)]))
    store.accept(batch(NOW, [(str(number), 2.0) for number in range(80)]))
    assert store.series_count == sum(store.series_by_source.values()) == len(by_label(store)) == 80


@pytest.mark.parametrize("step", [DAY, -DAY, 30 * DAY, -30 * DAY, SECOND, -SECOND])
def test_a_head_that_is_told_of_a_step_goes_on_as_if_there_was_none(step: int) -> None:
    store = head()
    for number in range(4):
        store.accept(batch(NOW + 15 * SECOND * number, [("1", number)]))
    (before,) = store.select((), 0, NOW + 2 * DAY)
    store.move(step / SECOND)
    for number in range(4, 8):
        assert store.accept(batch(NOW + step + 15 * SECOND * number, [("1", number)])) == 0
    assert by_label(store)["1"] == [*range(8)]
    assert (store.cut_total, store.refused_total) == (0, 0)
    assert before.times[0] == NOW, "whoever read before is not disturbed"


@pytest.mark.parametrize("step", [DAY, -DAY, 30 * DAY, -30 * DAY, SECOND, -SECOND])
def test_a_batch_that_was_on_its_way_when_the_clock_was_set_costs_nothing(step: int) -> None:
    store = head()
    for number in range(3):
        store.accept(batch(NOW + 15 * SECOND * number, [("1", number)]))
    store.move(step / SECOND)
    assert store.accept(batch(NOW + 45 * SECOND, [("1", 3)])) == 0
    taking = store.accept_in_steps(batch(NOW + step + 60 * SECOND, [(str(number), 4) for number in range(1, 2000)]))
    next(taking)
    store.move(-step / SECOND)
    assert finished(taking) == 0
    assert store.accept(batch(NOW + 75 * SECOND, [("1", 5)])) == 0
    assert by_label(store)["1"] == [*range(6)]
    assert (store.cut_total, store.refused_total) == (0, 0)


def test_what_was_moved_is_forgotten_when_its_retention_is_over() -> None:
    store = head(retention_seconds=600)
    store.accept(batch(NOW, [("1", 1)]))
    store.move(-DAY / SECOND)
    for minute in range(1, 15):
        store.accept(batch(NOW - DAY + minute * MINUTE, [("1", minute)]))
    kept = by_label(store)["1"]
    assert (1 in kept, kept[-1]) == (False, 14)


def test_a_leap_second_refuses_nothing_of_a_source_that_comes_more_often_than_that() -> None:
    store = head()
    for number in range(3):
        store.accept(batch(NOW + 500 * number, [("1", number)]))
    store.move(-1)
    assert store.accept(batch(NOW + 1500, [("1", 3)])) == 0  # was on its way
    for number in range(4, 8):
        assert store.accept(batch(NOW - SECOND + 500 * number, [("1", number)])) == 0
    assert by_label(store)["1"] == [*range(8)]
