"""Exponential histograms: against math and numpy, merged and over time."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.sketch.exponential import EMPTY, RELATIVE_ERROR, HistogramSet, bucket_of, merge
from sidecar.sketch.window import SlidingHistograms

QUANTILES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
SECONDS = st.floats(1e-9, 1e6)


def histograms(values: Sequence[float], row: int = 0) -> HistogramSet:
    return HistogramSet.of(np.full(len(values), row), np.array(values, np.float64))


def counts(item: HistogramSet) -> dict[int, int]:
    return dict(zip(item.codes.tolist(), item.counts.tolist(), strict=True))


@given(st.lists(SECONDS, min_size=1))
def test_buckets_are_those_of_the_opentelemetry_formula(values: list[float]) -> None:
    for value, bucket in zip(values, bucket_of(np.array(values)).tolist(), strict=True):
        exact = math.log2(value) * 32
        assert bucket == math.ceil(exact) or abs(exact - round(exact)) < 1e-9


@pytest.mark.parametrize("exponent", range(-30, 31))
def test_a_power_of_two_is_the_upper_bound_of_its_bucket(exponent: int) -> None:
    assert bucket_of(np.array([2.0**exponent])) == [32 * exponent]


@given(st.lists(SECONDS, min_size=1, max_size=300))
def test_quantiles_are_within_the_promised_error_of_nearest_rank(values: list[float]) -> None:
    assert RELATIVE_ERROR <= 0.011
    _, found = histograms(values).quantiles(QUANTILES)
    expected = np.quantile(values, QUANTILES, method="inverted_cdf")
    np.testing.assert_allclose(found[0], expected, rtol=RELATIVE_ERROR + 1e-12)


@pytest.mark.parametrize("shape", ["lognormal", "bimodal", "constant"])
def test_quantiles_of_large_samples_agree_with_numpy(shape: str) -> None:
    chance = np.random.default_rng(1)
    fast, slow = chance.lognormal(-5, 0.5, 50_000), chance.lognormal(1, 0.3, 50_000)
    values = {"lognormal": fast, "bimodal": np.concatenate([fast, slow]), "constant": np.full(1000, 0.123)}[shape]
    _, found = histograms(values.tolist()).quantiles(QUANTILES)
    np.testing.assert_allclose(found[0], np.quantile(values, QUANTILES, method="inverted_cdf"), rtol=0.011)


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), SECONDS), max_size=20), max_size=6))
def test_merging_parts_gives_the_histogram_of_the_whole(parts: list[list[tuple[int, float]]]) -> None:
    def of(pairs: list[tuple[int, float]]) -> HistogramSet:
        return HistogramSet.of(np.array([row for row, _ in pairs], np.int64), np.array([value for _, value in pairs]))

    whole = of([pair for part in parts for pair in part])
    assert counts(merge([of(part) for part in parts])) == counts(whole)


def test_each_row_has_its_own_quantiles() -> None:
    both = merge([histograms([1.0] * 9, row=7), histograms([64.0], row=2)])
    rows, values = both.quantiles([0.5])
    assert rows.tolist() == [2, 7]
    np.testing.assert_allclose(values[:, 0], [64.0, 1.0], rtol=RELATIVE_ERROR)


def test_zero_and_less_are_zero() -> None:
    _, values = histograms([0.0, -1.0, 1.0]).quantiles([0.5, 1.0])
    assert values[0, 0] == 0.0
    assert values[0, 1] == pytest.approx(1.0, rel=RELATIVE_ERROR)


def test_a_set_without_values_has_no_rows() -> None:
    rows, values = EMPTY.quantiles(QUANTILES)
    assert (rows.tolist(), values.shape) == ([], (0, len(QUANTILES)))


def test_values_leave_with_their_slice_when_the_window_has_passed() -> None:
    window = SlidingHistograms(60, 6)
    window.add(1000.0, histograms([1.0]))
    window.add(1005.0, histograms([2.0]))
    window.add(1025.0, histograms([4.0]))
    assert window.read(1049.9).counts.sum() == 3
    assert window.read(1059.9).counts.sum() == 3
    assert window.read(1060.0).counts.sum() == 1
    assert window.read(1080.0).counts.sum() == 0


def test_a_long_silence_empties_the_window_at_once() -> None:
    window = SlidingHistograms(60, 6)
    window.add(1000.0, histograms([1.0]))
    assert window.read(1e9).counts.sum() == 0


@given(st.lists(st.tuples(st.floats(0, 20), SECONDS), max_size=100))
def test_within_the_window_nothing_is_lost(steps: list[tuple[float, float]]) -> None:
    window = SlidingHistograms(3600, 12)
    now = 7200.0
    for wait, value in steps:
        now += wait
        window.add(now, histograms([value]))
    assert counts(window.read(now)) == counts(histograms([value for _, value in steps]))


def test_memory_depends_on_the_spread_and_not_on_the_number_of_values() -> None:
    window = SlidingHistograms(60, 6)
    chance = np.random.default_rng(1)
    for step in range(2000):
        window.add(1000.0 + step / 100, histograms(chance.lognormal(-4, 1, 100).tolist()))
    assert window.read(1020.0).memory_bytes() < 10_000
