"""The watchdog: how late the loop is, also while it is late."""

import asyncio
import threading
from functools import partial

import pytest

from sidecar.runtime.clock import SystemClock
from sidecar.runtime.watchdog import BEAT_SECONDS, LOOK_SECONDS, REMEMBERED_SECONDS, LoopLag, SamplingFailed, Watchdog
from tests.fakes import FakeClock, RecordedEvents, until


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


def test_a_lag_is_remembered_for_the_longest_span_of_a_check() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for late in (2.0, 1.0):
        clock.pass_by(BEAT_SECONDS + late)
        lag.beat()
    for _ in range(int(1800 / BEAT_SECONDS)):
        clock.pass_by(BEAT_SECONDS)
        lag.beat()
    assert abs(lag.worst_seconds(1801) - 1.0) < 1e-6
    assert abs(lag.worst_seconds(1900) - 2.0) < 1e-6


def test_a_lag_is_forgotten_after_an_hour() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for _ in range(2):
        clock.pass_by(REMEMBERED_SECONDS + 1)
        lag.beat()
    clock.pass_by(BEAT_SECONDS)
    lag.beat()
    assert lag.worst_seconds(REMEMBERED_SECONDS) > REMEMBERED_SECONDS
    clock.pass_by(BEAT_SECONDS)
    assert lag.worst_seconds(BEAT_SECONDS / 2) < 1e-6


async def test_something_is_done_every_second_from_a_thread() -> None:
    clock, threads = SystemClock(), set[int]()
    watchdog = Watchdog(LoopLag(clock), clock, RecordedEvents(), lambda: threads.add(threading.get_ident()))
    task = asyncio.create_task(watchdog.run(lambda: None))
    await until(lambda: bool(threads))
    assert threading.get_ident() not in threads
    task.cancel()


async def test_what_is_done_every_second_may_fail_and_is_done_again() -> None:
    clock, events, times = SystemClock(), RecordedEvents(), list[int]()

    def fail() -> None:
        times.append(1)
        raise OverflowError("too large")

    task = asyncio.create_task(Watchdog(LoopLag(clock), clock, events, fail).run(lambda: None))
    await until(lambda: len(times) > 1)
    task.cancel()
    told = {event.error for event in events.seen if isinstance(event, SamplingFailed)}  # the loop itself may be late
    assert told == {"OverflowError: too large"}


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


def test_a_process_that_was_stopped_has_no_stuck_loop_whoever_wakes_first() -> None:
    for loop_first in (True, False):
        clock, cpu = FakeClock(), [0.0]
        lag = LoopLag(clock, partial(cpu.__getitem__, 0))
        for beat in range(30):
            clock.pass_by(BEAT_SECONDS)
            lag.beat()
            if beat % 10 == 0:
                lag.look()
        clock.pass_by(15.0)
        cpu[0] += 0.01
        assert lag.stuck_seconds(5.0) < 1.0
        for note in (lag.beat, lag.look) if loop_first else (lag.look, lag.beat):
            note()
            assert lag.stuck_seconds(5.0) < 1.0
        assert lag.look() == 0.0
        assert lag.worst_seconds(5.0) > 14.0


def test_a_loop_that_is_stuck_while_others_run_or_that_works_without_end_is_stuck() -> None:
    for works in (True, False):
        clock, cpu = FakeClock(), [0.0]
        lag = LoopLag(clock, partial(cpu.__getitem__, 0))
        lag.look()
        lag.beat()
        for _ in range(1 if works else 8):  # who holds the lock lets the thread not run either
            clock.pass_by(8.0 if works else 1.0)
            cpu[0] += 8.0 if works else 0.0
            lag.look()
        assert lag.stuck_seconds(5.0) > 7.0
        lag.beat()
        assert lag.stuck_seconds(5.0) > 7.0


def test_how_long_the_process_stood_still_is_told_by_the_look_after_it() -> None:
    clock, cpu = FakeClock(), [0.0]
    lag = LoopLag(clock, partial(cpu.__getitem__, 0))
    assert lag.look() == 0.0
    clock.pass_by(LOOK_SECONDS + 15.0)
    assert lag.look() == pytest.approx(15.0)
    clock.pass_by(LOOK_SECONDS)
    assert lag.look() == 0.0
