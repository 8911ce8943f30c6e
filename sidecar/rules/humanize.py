"""Numbers for people, digit for digit as Prometheus' template functions of the same names write them."""

import math
from datetime import UTC, datetime, timedelta

from sidecar.rules.gotemplate.errors import CallError
from sidecar.rules.gotemplate.fmt import sprint
from sidecar.rules.gotemplate.strings import parsed_float
from sidecar.rules.gotemplate.values import Byte, Html, Named, type_of

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_LARGE_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number_of(value: object) -> float:
    """Return a number, the text of one, or a duration in seconds as a float; raise CallError for anything else."""
    if isinstance(value, str) and not isinstance(value, Html):
        return parsed_float(value)
    if isinstance(value, Named) and value.go_type == "time.Duration":
        return value / 1e9
    if isinstance(value, bool | Byte | Named) or not isinstance(value, int | float):
        raise CallError(f"can't convert {type_of(value)} to float")
    return float(value)


def four_digits(number: float) -> str:
    """Return Go's `%.4g`."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return f"{number:.4g}"


def humanize(value: object) -> str:
    """Return the number with four digits and a metric prefix."""
    number = number_of(value)
    if number == 0 or not math.isfinite(number):
        return four_digits(number)
    if abs(number) >= 1:
        return _shrunk(number, 1000, _LARGE)
    return _grown(number)


def humanize1024(value: object) -> str:
    """Return the number with four digits and a binary prefix."""
    number = number_of(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return four_digits(number)
    return _shrunk(number, 1024, _LARGE_BINARY)


def humanize_percentage(value: object) -> str:
    """Return a ratio as a percentage."""
    return f"{four_digits(number_of(value) * 100)}%"


def humanize_duration(value: object) -> str:
    """Return seconds as days, hours, minutes and seconds, or as a fraction of a second."""
    seconds = number_of(value)
    if not math.isfinite(seconds):
        return four_digits(seconds)
    if seconds == 0:
        return f"{four_digits(seconds)}s"
    if abs(seconds) < 1:
        return f"{_grown(seconds)}s"
    sign = "-" if seconds < 0 else ""
    return sign + (_whole_units(int(abs(seconds))) or f"{four_digits(abs(seconds))}s")


def humanize_timestamp(value: object) -> str:
    """Return Unix seconds as Go prints a UTC time."""
    seconds = number_of(value)
    return four_digits(seconds) if not math.isfinite(seconds) else go_time_text(time_ms_of(seconds))


def time_ms_of(seconds: float) -> int:
    """Return Unix seconds in milliseconds, rounded down; raise CallError for what Go's nanoseconds cannot hold."""
    if not math.isfinite(seconds):
        raise CallError("value is NaN or Inf")
    if abs(seconds * 1e9) >= 2**63:
        raise CallError(
            f"{sprint([seconds])} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    return int(seconds * 1e9) // 1_000_000


def go_time_text(time_ms: int) -> str:
    """Return `2006-01-02 15:04:05.999 +0000 UTC`, without zeros at the end of the fraction."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    fraction = f".{time_ms % 1000:03d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _shrunk(number: float, base: int, prefixes: tuple[str, ...]) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(number) < base:
            break
        prefix = larger
        number /= base
    return four_digits(number) + prefix


def _grown(number: float) -> str:
    prefix = ""
    for smaller in _SMALL:
        if abs(number) >= 1:
            break
        prefix = smaller
        number *= 1000
    return four_digits(number) + prefix


def _whole_units(seconds: int) -> str:
    """Return `1d 2h 3m 4s` from the largest unit there is, or nothing below a minute."""
    units = ((seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    largest = next((index for index, (count, _) in enumerate(units) if count), 3)
    return "" if largest == 3 else " ".join(f"{count}{unit}" for count, unit in units[largest:])
