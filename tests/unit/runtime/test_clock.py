"""The grid of ticks."""

import pytest

from sidecar.runtime.clock import next_tick


@pytest.mark.parametrize(
    ("now", "tick"),
    [(30.0, 45.0), (31.0, 45.0), (43.4, 45.0), (44.0, 60.0), (44.999, 60.0), (45.001, 60.0)],
)
def test_the_next_tick_is_on_the_grid_and_one_just_ahead_counts_as_reached(now: float, tick: float) -> None:
    assert next_tick(now, 15.0) == tick


def test_a_phase_shifts_the_grid() -> None:
    assert next_tick(31.0, 15.0, 4.0) == 34.0
    assert next_tick(33.9, 15.0, 4.0) == 49.0


@pytest.mark.parametrize("interval", [0.1, 0.3, 15.0])
def test_ticks_follow_one_another_at_the_interval(interval: float) -> None:
    tick = next_tick(1_700_000_000.0, interval)
    for _ in range(100):
        following = next_tick(tick, interval)
        assert following - tick == pytest.approx(interval, rel=1e-5)
        tick = following
