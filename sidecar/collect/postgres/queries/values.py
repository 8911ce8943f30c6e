"""Values of a result as numbers and as labels, as postgres_exporter reads them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sidecar.model.go_duration import parse_go_duration

_KINDS = {str: "text", bytes: "bytes", timedelta: "an interval", list: "an array", bool: "a boolean"}


class NotANumberError(ValueError):
    """A value that cannot be a number; the message says of which kind it is, and not the value."""


def number_of(value: Any) -> float | None:
    """Return a column as a number: a time is Unix time in whole seconds, true is 1, a text is what it says."""
    match value:
        case None:
            return None
        case bool() | int() | float() | Decimal():
            return float(value)
        case datetime() | date():
            return float(_unix_seconds(value))
        case str():
            return _number_in(value)
        case bytes():
            return _number_in(value.decode("utf-8", "replace"))
        case _:
            raise NotANumberError(kind_of(value))


def milliseconds_of(value: Any) -> float | None:
    """Return a duration in milliseconds: an interval, or a text such as `1m30s`; -1 is none, and a number is itself."""
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1)
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
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return str(_unix_seconds(value))
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return str(value)


def kind_of(value: Any) -> str:
    """Return what `value` is, in words for people."""
    return _KINDS.get(type(value), type(value).__name__)


def _number_in(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise NotANumberError(kind_of(text)) from error


def _unix_seconds(value: date) -> int:
    """Return a time as Unix time; one without a zone, and midnight of a date, is UTC."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
