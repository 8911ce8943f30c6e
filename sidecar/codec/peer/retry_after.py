"""The Retry-After header of an answer (RFC 9110, 10.2.3): a number of seconds, or a date in one of three forms."""

import re
from datetime import UTC, datetime, timedelta

from sidecar.codec.peer.numbers import whole_number_of

LONGEST_SECONDS = 86_400.0
"""Who asks for more than a day asks for a day."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATES = (
    re.compile(
        r"(?:[A-Za-z]{3,9}, *)?(?P<day>[0-9]{1,2})[ -](?P<month>[A-Za-z]{3})[ -](?P<year>[0-9]{4}|[0-9]{2}) +"
        rf"{_TIME}(?: +(?:GMT|UTC|UT|Z|[-+]0000))?"
    ),
    re.compile(rf"[A-Za-z]{{3}} +(?P<month>[A-Za-z]{{3}}) +(?P<day>[0-9]{{1,2}}) +{_TIME} +(?P<year>[0-9]{{4}})"),
)
"""`Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, and `Sun Nov  6 08:49:37 1994`."""


def retry_after_seconds(text: str, now: float) -> float:
    """Return for how many seconds after `now`, Unix time, `text` asks; 0 if it says nothing that can be read."""
    text = text.strip(" \t")
    seconds: float | None = whole_number_of(text)
    if seconds is None:
        at = _date_of(text, now)
        seconds = 0.0 if at is None else (at - _moment(now)).total_seconds()
    return min(max(float(seconds), 0.0), LONGEST_SECONDS)


def _date_of(text: str, now: float) -> datetime | None:
    found = next(filter(None, (form.fullmatch(text) for form in _DATES)), None)
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    month = _MONTHS.index(found["month"].lower()) + 1
    year = _year_of(found["year"], _moment(now).year)
    hour, minute, second = (int(found[part]) for part in ("hour", "minute", "second"))
    try:
        # a second of 60 is a leap second
        return datetime(year, month, int(found["day"]), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None


def _year_of(text: str, this_year: int) -> int:
    """Return a year of four digits, or the one of two digits that is nearest: 50 years ahead at most, by the RFC."""
    year = int(text)
    return year if len(text) == 4 else this_year + (year - this_year + 49) % 100 - 49


def _moment(now: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=now)
