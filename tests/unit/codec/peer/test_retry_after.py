"""What Retry-After asks for: seconds, the three forms of dates, and what says nothing."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.retry_after import LONGEST_SECONDS, retry_after_seconds

NOW = 784_111_717.0
"""Sun, 06 Nov 1994 08:48:37 GMT: a minute before the dates that the RFC has as examples."""


@pytest.mark.parametrize(
    "text",
    [
        "60",
        " 60\t",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "sun, 6 nov 1994 08:49:37 UTC",
        "6 Nov 1994 08:49:37 +0000",
        "06 Nov 1994 08:49:37",
    ],
)
def test_a_pause_is_asked_for_in_seconds_or_by_a_date(text: str) -> None:
    assert retry_after_seconds(text, NOW) == 60


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "1.5",
        "1e3",
        "1_0",
        "-3",
        "٣",
        "9" * 310,
        "9" * 5000,
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 31 Feb 1995 08:49:37 GMT",
        "Sun, 06 Nov 1995 24:49:37 GMT",
        "Sun, 06 Foo 1995 08:49:37 GMT",
        "Sun, 06 Nov 1995 08:49:37 +99999999",
        "Sun, 06 Nov 1994 08:00:00 GMT",
    ],
)
def test_what_cannot_be_read_or_is_over_says_nothing(text: str) -> None:
    assert retry_after_seconds(text, NOW) == 0


@pytest.mark.parametrize("text", ["99999999", "9" * 20, "Fri, 31 Dec 9999 23:59:60 GMT"])
def test_nobody_is_waited_for_longer_than_a_day(text: str) -> None:
    assert retry_after_seconds(text, NOW) == LONGEST_SECONDS


def test_a_year_of_two_digits_is_at_most_fifty_years_ahead() -> None:
    now = datetime(2026, 12, 31, 23, 59, 0, tzinfo=UTC).timestamp()
    assert retry_after_seconds("Friday, 01-Jan-27 00:00:00 GMT", now) == 60
    assert retry_after_seconds("Saturday, 01-Jan-77 00:00:00 GMT", now) == 0
    end_of_century = datetime(2099, 12, 31, 23, 59, 0, tzinfo=UTC).timestamp()
    assert retry_after_seconds("Friday, 01-Jan-00 00:00:00 GMT", end_of_century) == 60


@given(st.integers(0, 86_400))
def test_dates_that_python_writes_are_read(seconds: int) -> None:
    assert retry_after_seconds(formatdate(NOW + seconds, usegmt=True), NOW) == seconds


PARTS = st.sampled_from(
    ["Sun", ", ", " ", "-", ":", "06", "Nov", "1994", "94", "08:49:37", "GMT", "9" * 40, "+0000", "\x00"]
)


@given(st.one_of(st.text(), st.lists(PARTS, max_size=12).map("".join), st.integers().map(str)))
def test_no_text_is_one_to_stumble_over(text: str) -> None:
    assert 0 <= retry_after_seconds(text, NOW) <= LONGEST_SECONDS
