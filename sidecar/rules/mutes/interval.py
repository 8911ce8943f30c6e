"""Time intervals as Alertmanager has them: times of day, weekdays, days of a month, months, years, in a time zone."""

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TypeAlias

MINUTES_OF_DAY = 24 * 60
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTH_DAYS = 31

Range: TypeAlias = tuple[int, int]
"""First and last, both included."""

_Number: TypeAlias = Callable[[str], int]
_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Holds when all that is given does, by the clock on the wall of its time zone; a part without ranges always does.

    So an hour that the clock skips in spring is in no interval, and one that it shows twice in autumn is in it twice.
    """

    times: Sequence[Range] = ()
    """Minutes of the day; the last one is not included."""
    weekdays: Sequence[Range] = ()
    """Sunday is 0."""
    days_of_month: Sequence[Range] = ()
    """Below zero they count from the end of the month."""
    months: Sequence[Range] = ()
    years: Sequence[Range] = ()
    zone: tzinfo = field(default=UTC)

    def holds(self, at_ms: int) -> bool:
        """Return whether a Unix time in milliseconds is in it."""
        moment = datetime.fromtimestamp(at_ms / 1000, self.zone)
        minute = moment.hour * 60 + moment.minute
        return (
            (not self.times or any(first <= minute < last for first, last in self.times))
            and _is_in(self.weekdays, moment.isoweekday() % 7)
            and (not self.days_of_month or any(_has_day(days, moment) for days in self.days_of_month))
            and _is_in(self.months, moment.month)
            and _is_in(self.years, moment.year)
        )


def _is_in(ranges: Sequence[Range], number: int) -> bool:
    return not ranges or any(first <= number <= last for first, last in ranges)


def _has_day(days: Range, moment: datetime) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    first, last = (day if day > 0 else length + day + 1 for day in days)
    return max(first, 1) <= moment.day <= last


def minute_of_day(text: str) -> int:
    """Return `HH:MM`, up to 24:00, as a minute; raise ValueError for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no time of day as in `09:30`")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def weekday_range(text: str) -> Range:
    """Return `monday:friday` or `sunday`; raise ValueError for anything else."""
    return _range(text, lambda word: WEEKDAYS.index(word.lower()), "weekdays as in `monday:friday`")


def month_range(text: str) -> Range:
    """Return `june:august`, `6:8` or one month; raise ValueError for anything else."""

    def month(word: str) -> int:
        number = int(word) if word.isdecimal() else MONTHS.index(word.lower())
        if not 1 <= number < len(MONTHS):
            raise ValueError
        return number

    return _range(text, month, "months as in `june:august` or `6:8`")


def year_range(text: str) -> Range:
    """Return `2026:2027` or one year; raise ValueError for anything else."""
    return _range(text, int, "years as in `2026:2027`")


def day_range(text: str) -> Range:
    """Return `1:7`, `-3:-1` or one day of the month; raise ValueError for anything else."""

    def day(word: str) -> int:
        number = int(word)
        if not 1 <= abs(number) <= MONTH_DAYS:
            raise ValueError
        return number

    first, last = _ends(text, day, wanted := "days of a month as in `1:7` or `-3:-1`")
    if ((first < 0) == (last < 0) and last < first) or first < 0 < last:
        raise ValueError(f"`{text}` are no {wanted}")
    return first, last


def _range(text: str, number: _Number, wanted: str) -> Range:
    first, last = _ends(text, number, wanted)
    if last < first:
        raise ValueError(f"`{text}` are no {wanted}: the first comes after the last")
    return first, last


def _ends(text: str, number: _Number, wanted: str) -> Range:
    first, colon, last = (part.strip() for part in text.partition(":"))
    try:
        return number(first), number(last if colon else first)
    except ValueError:
        raise ValueError(f"`{text}` are no {wanted}") from None
