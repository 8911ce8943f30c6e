"""Sliding windows: what is in which of them, exactly, whatever runs in between; and how much they hold."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.steps import finished
from sidecar.sketch import window as module
from sidecar.sketch.exponential import EMPTY, HistogramSet, merge
from sidecar.sketch.window import SlidingHistograms, Window
from sidecar.spans.latency import WINDOWS

MINUTE = {"1m": Window(60, 6)}
SECONDS = st.floats(1e-9, 1e6)


def histograms(values: Sequence[float], row: int = 0) -> HistogramSet:
    return HistogramSet.of(np.full(len(values), row), np.array(values, np.float64))


def counts(item: HistogramSet) -> dict[int, float]:
    return dict(zip(item.codes.tolist(), item.counts.tolist(), strict=True))


def number_in(subject: SlidingHistograms, name: str, now: float) -> float:
    return float(finished(subject.read(name, now)).counts.sum())


def test_values_leave_with_their_slice_when_the_window_has_passed() -> None:
    subject = SlidingHistograms(MINUTE)
    subject.add(1000.0, histograms([1.0]))
    subject.add(1005.0, histograms([2.0]))
    subject.add(1025.0, histograms([4.0]))
    assert [number_in(subject, "1m", now) for now in (1049.9, 1059.9, 1060.0, 1080.0)] == [3, 3, 1, 0]


def test_a_long_silence_empties_every_window_at_once() -> None:
    subject = SlidingHistograms(WINDOWS)
    subject.add(1000.0, histograms([1.0]))
    assert [number_in(subject, name, 1e9) for name in WINDOWS] == [0, 0, 0, 0]


@given(st.lists(st.tuples(st.floats(0, 4000), SECONDS), max_size=100), st.floats(0, 100_000))
def test_each_window_has_exactly_what_came_within_it(steps: list[tuple[float, float]], wait: float) -> None:
    subject = SlidingHistograms(WINDOWS)
    now, added = 1e6, []
    for passed, value in steps:
        now += passed
        added.append((now, histograms([value])))
        subject.add(*added[-1])
    now += wait
    for name, window in WINDOWS.items():
        first = int(now // window.slice_seconds) - window.slices + 1
        within = [item for at, item in added if int(at // window.slice_seconds) >= first]
        assert counts(finished(subject.read(name, now))) == counts(merge(within))


def test_what_comes_while_a_window_is_read_is_in_the_next_reading() -> None:
    subject = SlidingHistograms(WINDOWS)
    for number in range(200):
        subject.add(10_800.0 + 10 * number, histograms([1.0]))
    steps = subject.read("1h", 13_000.0)
    later = 0
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
            later += 1
            subject.add(13_000.0 + 30 * later, histograms([2.0]))
    assert later > 5
    assert counts(end.value.value) == {2048 + 0: 200}
    assert counts(finished(subject.read("1h", 13_400.0))) == {2048 + 0: 200, 2048 + 32: later}


@pytest.mark.parametrize("shape", ["lognormal", "bimodal", "constant"])
def test_percentiles_of_every_window_agree_with_numpy(shape: str) -> None:
    chance = np.random.default_rng(1)
    fast, slow = chance.lognormal(-5, 0.5, 20_000), chance.lognormal(1, 0.3, 20_000)
    values = {"lognormal": fast, "bimodal": np.concatenate([fast, slow]), "constant": np.full(1000, 0.123)}[shape]
    chance.shuffle(values)
    times = np.linspace(0, 86_400, len(values))
    subject = SlidingHistograms(WINDOWS)
    for start in range(0, len(values), 100):
        subject.add(1e9 + times[start], histograms(values[start : start + 100].tolist()))
    now, ratios = 1e9 + times[-100], (0.5, 0.9, 0.95, 0.99, 0.999)
    starts = np.repeat(times[::100], 100)
    for name, window in WINDOWS.items():
        first = (now // window.slice_seconds - window.slices + 1) * window.slice_seconds - 1e9
        expected = np.quantile(values[starts >= first], ratios, method="inverted_cdf")
        np.testing.assert_allclose(finished(subject.read(name, now)).quantiles(ratios)[1][0], expected, rtol=0.011)


def test_memory_depends_on_the_spread_and_not_on_the_number_of_values() -> None:
    subject = SlidingHistograms(WINDOWS)
    chance = np.random.default_rng(1)
    sizes = []
    for step in range(3000):
        subject.add(1e6 + step, histograms(chance.lognormal(-4, 1, 100).tolist()))
        sizes.append(subject.memory_bytes())
    assert max(sizes) < 2 * max(sizes[:700])


def test_a_day_of_very_many_different_durations_is_held_in_less_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HistogramSet.limited, "__defaults__", (1000,))
    subject = SlidingHistograms(WINDOWS)
    chance = np.random.default_rng(1)
    for step in range(2000):
        values = np.exp2(chance.uniform(-20, 20, 500))
        subject.add(1e6 + 45 * step, HistogramSet.of(chance.integers(0, 50, 500), values))
    finished(subject.read("24h", 1e6 + 90_000))
    slices = sum(window.slices for window in WINDOWS.values())
    assert subject.coarsened > 0
    assert subject.memory_bytes() <= 16 * (1000 * (slices + len(WINDOWS)) + module._PENDING * 500)


def test_what_fits_is_never_made_coarser() -> None:
    subject = SlidingHistograms(WINDOWS)
    for step in range(500):
        subject.add(1e6 + 60 * step, histograms([0.1, 0.2]))
    assert subject.coarsened == 0
    assert finished(subject.read("24h", 1e6 + 30_000)) is not EMPTY
