"""Backoff: it grows, is limited, is jittered, and starts over."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.runtime.backoff import Backoff


@given(st.floats(0, 0.999), st.integers(1, 50))
def test_a_delay_lies_between_half_and_all_of_the_doubled_base_and_never_over_the_limit(
    chance: float, tries: int
) -> None:
    backoff = Backoff(1.0, 30.0, lambda: chance)
    delays = [backoff.next_seconds() for _ in range(tries)]
    for attempt, delay in enumerate(delays):
        full = min(30.0, 2.0**attempt)
        assert full / 2 <= delay <= full


def test_after_a_reset_the_first_delay_comes_again() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    first, *_ = [backoff.next_seconds() for _ in range(3)]
    backoff.reset()
    assert backoff.next_seconds() == first
