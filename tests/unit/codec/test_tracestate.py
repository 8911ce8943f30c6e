"""Adjusted counts: the examples of the specification, and whatever a sender may write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.otlp.tracestate import adjusted_count


@pytest.mark.parametrize(
    ("trace_state", "count"),
    [
        (b"", 1),
        (b"ot=th:0", 1),
        (b"ot=th:8", 2),
        (b"ot=th:c", 4),
        (b"ot=th:C", 4),
        (b"ot=th:fd70a4", pytest.approx(100, rel=1e-5)),
        (b"ot=th:fd70a400000000", pytest.approx(100, rel=1e-5)),
        (b"ot=th:ffffffffffffff", 2**56),
        (b"ot=p:8;th:8;r:62", 2),
        (b"vendor=x,ot=th:8", 2),
        (b"vendor=th:c, ot=th:8 ,other=1", 2),
        (b"ot=rv:80000000000000;th:8", 2),
        (b"ot=th:8;rv:9b8233f7e3a151", 2),
    ],
)
def test_the_count_is_the_inverse_of_the_probability(trace_state: bytes, count: float) -> None:
    assert adjusted_count(trace_state) == count


@pytest.mark.parametrize(
    "trace_state",
    [
        b"ot=rv:9b8233f7e3a151",
        b"ot=th:",
        b"ot=th:xyz",
        b"ot=th:8z",
        b"ot=th:000000000000000",
        b"ot=oth:8",
        b"not=th:8",
        b"vendor=ot=th:8",
        b"tenant@ot=th:8",
        b"th:8",
        b"\xff\xfe",
        b"ot=th:8;rv:7fffffffffffff",
    ],
)
def test_what_says_nothing_valid_or_contradicts_itself_counts_once(trace_state: bytes) -> None:
    assert adjusted_count(trace_state) == 1


@given(st.integers(0, 2**56 - 1))
def test_any_threshold_gives_its_count_with_or_without_trailing_zeros(threshold: int) -> None:
    digits = f"{threshold:014x}"
    short = digits.rstrip("0") or "0"
    expected = 2**56 / (2**56 - threshold)
    assert adjusted_count(f"ot=th:{digits}".encode()) == adjusted_count(f"ot=th:{short}".encode()) == expected


@given(st.binary(max_size=300))
def test_nothing_a_sender_writes_is_an_error(trace_state: bytes) -> None:
    assert adjusted_count(trace_state) >= 1
