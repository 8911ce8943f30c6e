"""Values of a result as numbers and as labels, as postgres_exporter reads them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

from asyncpg.types import Range

from sidecar.collect.postgres.encodings import escaped
from sidecar.collect.postgres.wire import Interval, Moment, Money, spelled_number
from sidecar.model.go_duration import parse_go_duration

_QUOTED = re.compile(r"""[{}",\\\s]""")
"""What an element of an array is quoted for."""

_KINDS = {str: "text", bytes: "bytes", Interval: "an interval", list: "an array", bool: "a boolean"}


class NotANumberError(ValueError):
    """A value that cannot be a number; the message says of which kind it is, and not the value."""


def number_of(value: Any) -> float | None:
    """Return a column as a number: a time is Unix time in whole seconds, true is 1, a text is what it says."""
    match value:
        case None:
            return None
        case bool() | int() | float() | Decimal():
            return _float(value)
        case Moment(number) | Money(number):
            return number
        case str():
            return _number_in(value)
        case bytes():
            return _number_in(escaped(value))
        case _:
            raise NotANumberError(kind_of(value))


def milliseconds_of(value: Any) -> float | None:
    """Return a duration in milliseconds: an interval, or a text such as `1m30s`; -1 is none, and a number is itself."""
    if isinstance(value, Interval):
        return value.seconds * 1000
    if not isinstance(value, str):
        return number_of(value)
    if value == "-1":
        return None
    try:
        return float(int(round(parse_go_duration(value) * 1000, 6)))
    except ValueError:
        return _number_in(value)


def mapped(value: Any, mapping: Mapping[str, float]) -> float | None:
    """Return the number that `mapping` gives for a text."""
    text = label_of(value)
    if value is not None and text not in mapping:
        raise NotANumberError("a text that `metric_mapping` does not have")
    return mapping.get(text)


def label_of(value: Any) -> str:
    """Return a column as a label value; NULL is the empty one."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return _label_of_number(value, "Infinity")
        case Moment(number) | Money(number):
            return _label_of_number(number, "infinity")
        case Decimal():
            return format(value, "f")
        case bytes():
            return escaped(value)
        case list():
            return f"{{{','.join(map(_element, value))}}}"
        case Range():
            return _range(value)
        case _:
            return str(value)


def kind_of(value: Any) -> str:
    """Return what `value` is, in words for people."""
    return _KINDS.get(type(value), type(value).__name__)


def _element(value: Any) -> str:
    """Return an element of an array as Postgres writes it."""
    if value is None or isinstance(value, list):
        return "NULL" if value is None else label_of(value)
    text = label_of(value)
    if text and text.upper() != "NULL" and not _QUOTED.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _range(value: Range[Any]) -> str:
    """Return a range as Postgres writes it."""
    if value.isempty:
        return "empty"
    first, last = ("" if end is None else label_of(end) for end in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{first},{last}{']' if value.upper_inc else ')'}"


def _label_of_number(number: float, infinite: str) -> str:
    """Return `number` as Postgres spells it, with its word for `infinite` numbers of the kind."""
    if not isfinite(number):
        return "NaN" if isnan(number) else infinite if number > 0 else f"-{infinite}"
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else str(number)


def _float(value: float | Decimal) -> float:
    """Return the nearest float, which is infinite for what is beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _number_in(text: str) -> float:
    try:
        return spelled_number(text)
    except ValueError as error:
        raise NotANumberError(kind_of(text)) from error
