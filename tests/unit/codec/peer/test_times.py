"""Times of peers: which are believed, and what becomes of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.times import happened_at, is_plausible, plausible_nano, took_nano

NOW = 1_764_000_000.0
SECOND, HOUR, DAY = 10**9, 3_600 * 10**9, 86_400 * 10**9
NANO = round(NOW) * SECOND
MOST = 2**64 - 1

any_time = (
    st.integers(0, MOST)
    | st.integers(NANO - 60 * DAY, NANO + 60 * DAY)
    | st.sampled_from([0, 1, round(NOW), round(NOW) * 1000, round(NOW) * 10**6, NANO, 2**63, MOST])
)


@given(start=any_time, end=any_time)
def test_nothing_takes_less_than_no_time_or_more_than_thirty_days(start: int, end: int) -> None:
    took = took_nano(start, end, NOW)
    assert took in (0, end - start)
    assert 0 <= took <= 30 * DAY
    assert took == 0 or (start and end)


@given(start=st.integers(1, MOST), length=st.integers(0, HOUR))
def test_an_hour_is_an_hour_by_any_clock(start: int, length: int) -> None:
    assert took_nano(start, start + length, NOW) == length


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, NANO, 0),
        (0, 5, 0),
        (NANO, 0, 0),
        (NANO, NANO - 1, 0),
        (NANO - DAY, NANO, DAY),
        (NANO - 29 * DAY, NANO, 29 * DAY),
        (NANO - 31 * DAY, NANO, 0),
        (946_684_800 * SECOND, NANO, 0),
        (5, NANO, 0),
        (NANO, NANO + 365 * DAY, 0),
        (NANO, NANO + 2 * DAY, 0),
        (NANO + 12 * HOUR, NANO + 14 * HOUR, 2 * HOUR),
        (NANO, MOST, 0),
        (MOST, NANO, 0),
        (MOST, MOST, 0),
    ],
)
def test_a_length_that_cannot_be_is_no_time(start: int, end: int, expected: int) -> None:
    assert took_nano(start, end, NOW) == expected


@given(nano=any_time)
def test_a_moment_is_after_1990_and_at_most_ten_minutes_ahead(nano: int) -> None:
    assert is_plausible(nano, NOW) == (631_152_000 <= nano / SECOND <= NOW + 600)
    assert is_plausible(plausible_nano(NOW, nano), NOW)
    assert 631_152_000 <= happened_at(NOW, nano) <= NOW


def test_the_first_moment_that_may_be_counts_and_else_now() -> None:
    assert plausible_nano(NOW, 0, NANO - DAY, NANO) == NANO - DAY
    assert happened_at(NOW, MOST, NANO - DAY) == NOW - 86_400
    assert happened_at(NOW, NANO + 60 * SECOND) == NOW
    assert (plausible_nano(NOW, 0, 5, MOST), happened_at(NOW)) == (NANO, NOW)
    assert plausible_nano(0.0) == 1
