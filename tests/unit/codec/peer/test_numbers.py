"""Numbers as peers write them, and everything that Python would have taken or stumbled over."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.numbers import json_integer_of, number_of, whole_number_of

NO_NUMBERS = [
    "",
    "-",
    "+",
    ".",
    "e5",
    "1e",
    "1_000",
    " 1",
    "1 ",
    "1\n",
    "\u0661",
    "²",
    "½",
    "0x10",
    "1,5",
    "--1",
    "nano",
    "1e5f",
]


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("-7", -7), ("+7", 7), ("007", 7), ("18446744073709551615", 2**64 - 1)],
)
def test_whole_numbers_are_read(text: str, number: int) -> None:
    assert whole_number_of(text) == number


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.0", "1e3", "inf", "9" * 21, "9" * 310, "9" * 5000])
def test_what_is_no_whole_number_of_64_bits_is_none(text: str) -> None:
    assert whole_number_of(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("-1.5", -1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1e-400", 0.0),
        ("9" * 300, 1e300),
        ("+Inf", math.inf),
        ("-inf", -math.inf),
        ("Infinity", math.inf),
    ],
)
def test_numbers_are_read(text: str, number: float) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["NaN", "nan", "+nan"])
def test_not_a_number_is_read_by_its_name(text: str) -> None:
    value = number_of(text)
    assert value is not None
    assert math.isnan(value)


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1e400", "-1e400", "9" * 310, "0." + "0" * 5000, "0x1p-2", "1_0.5"])
def test_what_is_no_number_of_a_double_is_none(text: str) -> None:
    assert number_of(text) is None


@given(st.floats(allow_nan=False))
def test_every_double_is_read_back(value: float) -> None:
    assert number_of(repr(value)) == value


@given(st.text())
def test_no_text_is_one_to_stumble_over(text: str) -> None:
    whole_number_of(text)
    number_of(text)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        ("3", 3),
        (3.0, 3),
        (-3, -3),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (1e300, None),
        (math.inf, None),
        (math.nan, None),
        (1.5, None),
        ("1.5", None),
        (True, None),
        (None, None),
        ([3], None),
        ({}, None),
        ("9" * 310, None),
    ],
)
def test_integers_of_protobuf_are_numbers_or_strings_in_json(value: object, number: int | None) -> None:
    assert json_integer_of(value) == number
