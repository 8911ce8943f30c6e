"""Exponential histograms: against math and numpy, merged and over time."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.sketch.exponential import EMPTY, RELATIVE_ERROR, HistogramSet, bucket_of, merge

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


@given(st.lists(st.tuples(st.integers(0, 2), SECONDS, st.integers(1, 5)), min_size=1, max_size=50))
def test_a_weight_counts_as_that_many_values(items: list[tuple[int, float, int]]) -> None:
    rows, values, weights = (np.array(column) for column in zip(*items, strict=True))
    weighted = HistogramSet.of(rows, values.astype(np.float64), weights.astype(np.float64))
    repeated = HistogramSet.of(np.repeat(rows, weights), np.repeat(values, weights))
    assert counts(weighted) == counts(repeated)
    np.testing.assert_array_equal(weighted.quantiles(QUANTILES)[1], repeated.quantiles(QUANTILES)[1])


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(1.0, 50.0)), min_size=1, max_size=50))
def test_fractional_weights_leave_every_quantile_in_its_row(items: list[tuple[int, float]]) -> None:
    rows, weights = (np.array(column) for column in zip(*items, strict=True))
    subject = HistogramSet.of(rows, 2.0**rows, weights / 3)
    found, values = subject.quantiles(QUANTILES)
    for row, of_row in zip(found.tolist(), values, strict=True):
        np.testing.assert_allclose(of_row, 2.0**row, rtol=RELATIVE_ERROR + 1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(1e-6, 1e6)), min_size=1, max_size=300), st.integers(8, 100))
def test_a_limited_set_has_all_values_in_fewer_and_wider_buckets(items: list[tuple[int, float]], most: int) -> None:
    rows, values = (np.array(column) for column in zip(*items, strict=True))
    whole = HistogramSet.of(rows, values)
    limited = whole.limited(most)
    assert len(limited.codes) <= most
    assert limited.counts.sum() == len(items)
    assert (limited is whole) == (len(whole.codes) <= most)
    assert np.all(np.diff(limited.codes) > 0)
    before, after = whole.quantiles(QUANTILES), limited.quantiles(QUANTILES)
    assert before[0].tolist() == after[0].tolist()
    assert np.all(after[1] >= before[1])


def test_buckets_twice_as_wide_are_as_far_off_as_is_said() -> None:
    values = np.exp2(np.arange(64) / 32) * 1.0001
    whole = HistogramSet.of(np.zeros(64, np.int64), values)
    limited = whole.limited(33)
    ratios = [(place + 0.5) / 64 for place in range(64)]
    assert np.abs(limited.quantiles(ratios)[1][0] / np.sort(values) - 1).max() <= 2 * 0.022
