"""Exponential histograms in fixed buckets: no value is lost, and every count is exact."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from math import ceil, isfinite, ldexp, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.metrics.layout import FINEST_SCALE, Layout, coarser
from sidecar.metrics.points import Exponential
from sidecar.metrics.series import ExponentialSeries
from sidecar.metrics.target import Target

COUNTS = st.dictionaries(st.integers(-1000, 1000), st.integers(1, 2**40), max_size=12)


@st.composite
def values(draw: st.DrawFn) -> Exponential:
    """Draw a histogram whose buckets are all within the range of floats."""
    scale = draw(st.integers(-10, 20))
    indexes = st.integers(ceil(-1074 * 2.0**scale), int(1023 * 2.0**scale))
    counts = st.dictionaries(indexes, st.integers(1, 2**40), max_size=8)
    zeros = draw(st.integers(0, 3))
    threshold = draw(st.sampled_from([0.0, 0.0, 1e-9, 0.5, 3.0]))
    return Exponential(scale, draw(counts), draw(counts), zeros, threshold, None)


def total(value: Exponential) -> int:
    return sum(value.positive.values()) + sum(value.negative.values()) + value.zeros


def octave(index: int, scale: int) -> float:
    """Return where bucket `index` begins, as the exponent of two."""
    return index * 2.0**-scale


def at_most(value: Exponential, bound: float) -> int:
    """Return how many values are surely at most `bound`, which is the end of a bucket of every scale up to its own."""
    count = 0
    for index, number in value.positive.items():
        count += number * (bound > 0 and octave(index + 1, value.scale) <= log2(bound))
    for index, number in value.negative.items():
        count += number * (bound >= 0 or octave(index, value.scale) >= log2(-bound))
    return count + value.zeros * (bound >= value.zero_threshold)


@given(st.lists(values(), min_size=1, max_size=5), st.integers(10, 80))
def test_every_bucket_counts_exactly_the_values_up_to_its_bound(found: list[Exponential], most: int) -> None:
    layout = Layout(most)
    for value in found:
        layout.include(value)
    assert len(layout.bounds) <= most
    assert all(low < high for low, high in pairwise(layout.bounds))
    assert all(isfinite(bound) for bound in layout.bounds)
    for value in found:
        counts = layout.cumulated(value)
        assert counts[-1] == total(value)
        assert counts[:-1] == [at_most(value, bound) for bound in layout.bounds]


@given(st.lists(values(), min_size=2, max_size=5))
def test_bounds_that_go_are_those_between_others_and_no_range_gets_smaller(found: list[Exponential]) -> None:
    layout = Layout(40)
    for value in found:
        before, scale = layout.bounds, layout.scale
        layout.include(value)
        assert layout.scale <= scale
        if before and layout.scale == scale:
            assert set(before) <= set(layout.bounds)


@given(COUNTS, st.integers(0, 5), st.integers(0, 5))
def test_buckets_become_wider_in_one_step_or_in_two(counts: Mapping[int, int], first: int, second: int) -> None:
    assert coarser(coarser(counts, first), second) == coarser(counts, first + second)
    assert sum(coarser(counts, first).values()) == sum(counts.values())


@given(st.lists(values().map(lambda value: value._replace(zero_threshold=0.0, sum=1.0)), min_size=1, max_size=6))
def test_deltas_of_any_scales_add_up_to_the_histogram_of_all_values(found: list[Exponential]) -> None:
    layout = Layout(40)
    series = ExponentialSeries("x", (), found[0], Target(()), layout)
    for value in found[1:]:
        series.add(value)
    buckets = [sample.value for sample in series.samples() if sample.name == "x_bucket"]
    expected = [sum(column) for column in zip(*(layout.cumulated(value) for value in found), strict=True)]
    assert buckets == expected
    assert [sample.value for sample in series.samples() if sample.name == "x_sum"] == [len(found)]


def test_all_series_of_a_family_have_the_bounds_of_the_widest() -> None:
    layout = Layout(40)
    first = ExponentialSeries("x", (), Exponential(3, {0: 1}, {}, 0, 0.0, None), Target(()), layout)
    assert layout.scale == FINEST_SCALE
    narrow = [sample.labels for sample in first.samples()]
    second = ExponentialSeries("x", (), Exponential(0, {12: 1}, {}, 0, 0.0, None), Target(()), layout)
    bounds = [Counter(sample.labels for sample in series.samples()) for series in (first, second)]
    assert bounds[0] == bounds[1]
    assert len(narrow) > len(layout.bounds)
    assert layout.bounds == tuple(ldexp(1.0, octave) for octave in range(17))


def test_a_bound_is_the_same_float_at_every_scale() -> None:
    found = []
    for scale in range(4):
        layout = Layout(500)
        layout.include(Exponential(scale, {-20 << scale: 1, 20 << scale: 1}, {}, 0, 0.0, None))
        found.append(set(layout.bounds))
    assert all(coarse < fine for coarse, fine in pairwise(found))


@pytest.mark.parametrize("most", [10, 11, 500])
def test_all_floats_fit_into_ten_buckets(most: int) -> None:
    layout = Layout(most)
    layout.include(Exponential(0, {-1074: 1, 1023: 2}, {-1074: 3, 1023: 4}, 5, 0.0, None))
    assert len(layout.bounds) <= most
    assert layout.cumulated(Exponential(0, {-1074: 1, 1023: 2}, {-1074: 3, 1023: 4}, 5, 0.0, None))[-1] == 15
