"""Durations: what Prometheus takes, and nothing else."""

import pytest

from sidecar.model.duration import LONGEST_MS, parse_duration_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("0s", 0),
        ("15s", 15_000),
        ("1h30m", 5_400_000),
        ("1d5ms", 86_400_005),
        ("1y2w", 365 * 86_400_000 + 14 * 86_400_000),
        ("90m", 5_400_000),
        ("292y", 292 * 365 * 86_400_000),
    ],
)
def test_a_duration_of_units_in_falling_order_is_taken(text: str, expected: int) -> None:
    assert parse_duration_ms(text) == expected


@pytest.mark.parametrize("text", ["", "60", "1.5h", "-5m", "5m1h", "5m5m", " 5m", "5 m", "5M", "m", "٣m", "5m\n"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration_ms(text)


def test_a_duration_longer_than_64_bits_of_nanoseconds_is_refused() -> None:
    assert parse_duration_ms(f"{LONGEST_MS}ms") == LONGEST_MS
    with pytest.raises(ValueError, match="out of range"):
        parse_duration_ms(f"{LONGEST_MS + 1}ms")
