"""Values in Postgres' binary form; the integration tests compare them with the server's own text."""

import math
from decimal import Decimal
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.collect.postgres.encodings import escaped, local_text, results_encoding, shared_name
from sidecar.collect.postgres.wire import (
    Interval,
    Moment,
    interval_of,
    moment_of_days,
    moment_of_microseconds,
    numeric_of,
    spelled_number,
)


def sent(value: Decimal) -> bytes:
    """Return `value` as a server sends it."""
    scale = max(0, -int(value.as_tuple().exponent))
    whole, _, fraction = f"{value.copy_abs():f}".partition(".")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    digits = whole + fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups, weight = groups[1:], weight - 1
    return pack("!hhHh", len(groups), weight, 0x4000 if value < 0 else 0, scale) + pack(f"!{len(groups)}h", *groups)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5) | st.integers(-(10**60), 10**60).map(Decimal))
def test_numeric_has_all_of_its_digits(value: Decimal) -> None:
    read = numeric_of(sent(value))
    assert read == value
    assert read.as_tuple().exponent == value.as_tuple().exponent


@pytest.mark.parametrize(("sign", "text"), [(0xC000, "NaN"), (0xD000, "Infinity"), (0xF000, "-Infinity")])
def test_numeric_that_is_no_number_says_so(sign: int, text: str) -> None:
    assert str(numeric_of(pack("!hhHh", 0, 0, sign, 0))) == text


def test_ends_of_time_are_infinite() -> None:
    assert moment_of_days(pack("!i", 2**31 - 1)) == Moment(math.inf)
    assert moment_of_days(pack("!i", -(2**31))) == Moment(-math.inf)
    assert moment_of_microseconds(pack("!q", 2**63 - 1)) == Moment(math.inf)
    assert moment_of_microseconds(pack("!q", -(2**63))) == Moment(-math.inf)
    endless = interval_of(pack("!qii", 2**63 - 1, 2**31 - 1, 2**31 - 1))
    assert (endless.seconds, str(endless)) == (math.inf, "infinity")
    assert str(Interval(-13, 1, -1)) == "-1 years -1 mons 1 day -00:00:00.000001"


@pytest.mark.parametrize("text", ["1_0", "0x1", "", " ", "1 2", "infinit", "\u0661", "--1", "1e", "True"])
def test_text_that_postgres_would_not_spell_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        spelled_number(text)


ALL_ENCODINGS = (
    *("SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "UTF8", "MULE_INTERNAL", "KOI8R", "KOI8U"),
    *(f"LATIN{number}" for number in range(1, 11)),
    *(f"ISO_8859_{number}" for number in range(5, 9)),
    *(f"WIN{number}" for number in (866, 874, *range(1250, 1259))),
)
"""What a database may be in: https://www.postgresql.org/docs/16/multibyte.html"""


@given(st.binary(max_size=30), st.sampled_from([*ALL_ENCODINGS, "NEW"]))
def test_any_bytes_of_any_encoding_are_some_text(raw: bytes, encoding: str) -> None:
    for decode in (local_text(encoding), shared_name(encoding)):
        assert decode(raw).encode() is not None
    assert b"".join([results_encoding(encoding).encode()]).isascii()


@given(st.text(max_size=30).filter(lambda text: "\\" not in text))
def test_shared_name_is_the_same_from_every_database(name: str) -> None:
    raw = name.encode(errors="ignore")
    assert len({shared_name(encoding)(raw) for encoding in ALL_ENCODINGS}) == 1


def test_byte_that_is_no_utf8_is_escaped() -> None:
    assert escaped(b"caf\xe9") == local_text("UTF8")(b"caf\xe9") == r"caf\xe9"
    assert local_text("LATIN1")(b"caf\xe9") == "café"
    assert local_text("EUC_TW")(b"caf\xe9") == r"caf\xe9"
