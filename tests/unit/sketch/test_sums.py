"""Sliding sums: exactly what came within the window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.sketch.sums import SlidingSums
from sidecar.sketch.window import Window

WINDOW = Window(300, 10)
CELLS = st.tuples(st.floats(0, 120), st.integers(0, 3), st.integers(0, 1), st.integers(0, 100))


def subject() -> SlidingSums:
    sums = SlidingSums(WINDOW, 2)
    sums.make_room(4)
    return sums


@given(st.lists(CELLS, max_size=60), st.floats(0, 400))
def test_a_sum_has_exactly_what_came_within_the_window(steps: list[tuple[float, int, int, int]], wait: float) -> None:
    sums, now = subject(), 1e6
    added = []
    for passed, row, column, value in steps:
        now += passed
        sums.add(now, np.array([row]), column, np.array([[float(value)]]))
        added.append((now, row, column, value))
    now += wait
    expected = np.zeros((4, 2))
    for at, row, column, value in added:
        if int(at // 30) > int(now // 30) - 10:
            expected[row, column] += value
    np.testing.assert_array_equal(sums.read(now)[:4], expected)


def test_a_row_may_come_several_times_in_a_batch() -> None:
    sums = subject()
    sums.add(1000.0, np.array([1, 1, 2]), 0, np.array([[1.0, 8.0], [2.0, 0.0], [4.0, 0.0]]))
    assert sums.read(1000.0)[:4].tolist() == [[0, 0], [3, 8], [4, 0], [0, 0]]


@pytest.mark.parametrize(("now", "seconds"), [(1000.0, 0), (1060.0, 60), (1310.0, 290), (1319.0, 299), (1320.0, 270)])
def test_the_time_that_is_covered_starts_with_the_first_and_is_never_longer_than_the_window(
    now: float, seconds: float
) -> None:
    sums = subject()
    sums.add(1000.0, np.array([0]), 0, np.ones((1, 1)))
    sums.read(now)
    assert sums.seconds(now) == seconds


def test_rows_that_are_kept_move_up() -> None:
    sums = subject()
    sums.add(1000.0, np.arange(4), 0, np.arange(4.0)[:, None])
    sums.keep(np.array([1, 3]))
    sums.make_room(4)
    assert sums.read(1000.0)[:4, 0].tolist() == [1, 3, 0, 0]


def test_what_is_added_after_rows_left_is_counted() -> None:
    sums = subject()
    sums.keep(np.array([1, 3]))
    sums.add(1000.0, np.array([1]), 0, np.array([[2.0, 3.0]]))
    assert sums.read(1000.0).tolist() == [[0, 0], [2, 3]]
