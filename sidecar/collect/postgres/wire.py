"""Values as Postgres has them, where Python's own types have less room: infinite and far times, intervals, money.

Everything comes in the server's binary form, so that neither DateStyle nor another setting of a role or database
changes what is read.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from struct import Struct
from typing import Any, NamedTuple

from typing_extensions import override

from sidecar.collect.postgres.encodings import Decode

_INT32 = Struct("!i")
_INT64 = Struct("!q")
_INTERVAL = Struct("!qii")
_NUMERIC = Struct("!hhHh")
_GROUP = Struct("!h")
_NO_NUMBERS = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
"""The signs of a `numeric` that is none; others are 0 and 0x4000."""

_EPOCH_SECONDS = 946_684_800
"""Postgres counts from 2000-01-01."""
_DAY_SECONDS = 86_400
_MONTH_SECONDS = 30 * _DAY_SECONDS
_YEAR_SECONDS = 365.25 * _DAY_SECONDS
"""A year and a month of an interval, as Postgres' own EXTRACT(EPOCH ...) takes them."""
_FIRST, _LAST = -(1 << 31), (1 << 31) - 1
_FIRST_LONG, _LAST_LONG = -(1 << 63), (1 << 63) - 1
"""What stands for the two infinite values, of days and of microseconds."""


_NUMBER = re.compile(r"\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)\s*", re.IGNORECASE | re.ASCII)


class NotSpelledError(ValueError):
    """A text that spells no number; the message does not quote it."""


def spelled_number(text: str) -> float:
    """Return the number that `text` spells as Postgres does; raise NotSpelledError."""
    if not _NUMBER.fullmatch(text):
        raise NotSpelledError("a text that is no number")
    return float(text)


class Moment(NamedTuple):
    """A date or a time, as Unix time in whole seconds; without a zone it is UTC; infinite for `infinity`."""

    seconds: float


class Interval(NamedTuple):
    """An interval in the parts that Postgres keeps apart: months are of no certain length, nor are days."""

    months: int
    days: int
    microseconds: int

    @property
    def seconds(self) -> float:
        """Its length as EXTRACT(EPOCH ...) takes it, infinite for `infinity`."""
        if self._infinite:
            return self._infinite
        years, months = divmod(abs(self.months), 12)
        whole = years * _YEAR_SECONDS + months * _MONTH_SECONDS
        return self.microseconds / 1e6 + self.days * _DAY_SECONDS + (-whole if self.months < 0 else whole)

    @override
    def __str__(self) -> str:
        """Return it as Postgres writes it, `1 mon 2 days 03:00:00`."""
        if self._infinite:
            return "infinity" if self._infinite > 0 else "-infinity"
        years, months = (abs(self.months) // 12, abs(self.months) % 12)
        sign = -1 if self.months < 0 else 1
        named = ((sign * years, "year"), (sign * months, "mon"), (self.days, "day"))
        parts = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in named if count]
        return " ".join([*parts, *([_clock(self.microseconds)] if self.microseconds or not parts else [])])

    @property
    def _infinite(self) -> float | None:
        if self.days == self.months:
            return _infinite(self.microseconds, _FIRST_LONG, _LAST_LONG) if self.days in {_FIRST, _LAST} else None
        return None


class Money(NamedTuple):
    """An amount of money, in whole units of the currency."""

    amount: float


@dataclass(slots=True)
class Wire:
    """What reads the values of one connection; change it when more is known of the server.

    `local` reads text of the database we are in, `shared` names of the whole server: our SQL leaves those of the type
    `name`, and makes all others text.
    `money_unit` is how many of the smallest parts of the currency one has: the server's locale says it.
    """

    local: Decode
    shared: Decode
    money_unit: int = 1

    def versioned_text(self, raw: bytes) -> str:
        """Return text before which stands a byte with the version of its form, as jsonb has it."""
        return self.local(raw[1:])

    def money(self, raw: bytes) -> Money:
        """Return an amount of money."""
        return Money(_INT64.unpack(raw)[0] / self.money_unit)


def moment_of_days(raw: bytes) -> Moment:
    """Return a `date`."""
    days: int = _INT32.unpack(raw)[0]
    return Moment(_infinite(days, _FIRST, _LAST) or float(_EPOCH_SECONDS + days * _DAY_SECONDS))


def moment_of_microseconds(raw: bytes) -> Moment:
    """Return a `timestamp`, with zone or without."""
    microseconds: int = _INT64.unpack(raw)[0]
    return Moment(_infinite(microseconds, _FIRST_LONG, _LAST_LONG) or float(_EPOCH_SECONDS + microseconds // 1_000_000))


def interval_of(raw: bytes) -> Interval:
    """Return an `interval`; from Postgres 17 on it may be infinite, which all of its parts say."""
    microseconds, days, months = _INTERVAL.unpack(raw)
    return Interval(months, days, microseconds)


def numeric_of(raw: bytes) -> Decimal:
    """Return a `numeric` with all of its digits: it comes in groups of four, of which the first has the `weight`."""
    _, weight, sign, scale = _NUMERIC.unpack_from(raw)
    if sign in _NO_NUMBERS:
        return Decimal(_NO_NUMBERS[sign])
    digits = "".join(f"{group[0]:04}" for group in _GROUP.iter_unpack(raw[_NUMERIC.size :]))
    before = max(0, 4 * (weight + 1))
    whole, fraction = digits[:before].ljust(before, "0"), "0" * max(0, -4 * (weight + 1)) + digits[before:]
    return Decimal(f"{'-' if sign else ''}{whole or '0'}.{fraction[:scale].ljust(scale, '0')}")


def time_of(raw: bytes) -> str:
    """Return a `time` as Postgres writes it."""
    return _clock(_INT64.unpack(raw)[0])


def bits_of(raw: bytes) -> str:
    """Return a `bit` or `varbit` as Postgres writes it."""
    count: int = _INT32.unpack_from(raw)[0]
    return "".join(f"{byte:08b}" for byte in raw[_INT32.size :])[:count]


def address_of(raw: bytes) -> str:
    """Return an `inet` or `cidr` as Postgres writes it: an address alone is without its length."""
    _, length, is_network, _ = raw[:4]
    address = ip_address(raw[4:])
    return str(address) if length == address.max_prefixlen and not is_network else f"{address}/{length}"


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    sign = "-" if microseconds < 0 else ""
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}"


def _infinite(value: int, first: int, last: int) -> float | None:
    return -math.inf if value == first else math.inf if value == last else None


def codecs_of(wire: Wire) -> dict[str, Callable[[bytes], Any]]:
    """Return the reader of every type that asyncpg would read into less than it holds, from its binary form.

    The text form would do for a value, and for no range or record that has one.
    """
    texts = ("text", "varchar", "bpchar", "char", "unknown", "cstring", "json")
    return {
        **dict.fromkeys(texts, wire.local),
        "name": wire.shared,
        "jsonb": wire.versioned_text,
        "jsonpath": wire.versioned_text,
        "money": wire.money,
        "date": moment_of_days,
        "timestamp": moment_of_microseconds,
        "timestamptz": moment_of_microseconds,
        "time": time_of,
        "interval": interval_of,
        "numeric": numeric_of,
        **dict.fromkeys(("bit", "varbit"), bits_of),
        **dict.fromkeys(("inet", "cidr"), address_of),
    }
