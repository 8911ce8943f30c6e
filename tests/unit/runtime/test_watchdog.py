"""The watchdog: how late the loop is, also while it is late."""

from sidecar.runtime.watchdog import BEAT_SECONDS, LoopLag
from tests.fakes import FakeClock


def test_a_punctual_loop_has_no_lag() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for _ in range(10):
        clock.pass_by(BEAT_SECONDS)
        lag.beat()
    assert lag.worst_seconds(60) < 1e-6


def test_the_worst_lag_of_the_span_is_told_and_forgotten_after_it() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    clock.pass_by(BEAT_SECONDS + 2.0)
    lag.beat()
    assert abs(lag.worst_seconds(10) - 2.0) < 1e-6
    for _ in range(200):
        clock.pass_by(BEAT_SECONDS)
        lag.beat()
    assert lag.worst_seconds(10) < 1e-6
    assert lag.worst_seconds(30) > 1.9


def test_a_beat_that_is_overdue_counts_before_it_comes() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    lag.beat()
    clock.pass_by(7.0)
    assert lag.worst_seconds(5.0) > 6.5


def test_an_overdue_beat_outweighs_punctual_ones_of_the_same_span() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    lag.beat()
    clock.pass_by(3.0)
    assert lag.worst_seconds(60.0) > 2.5
