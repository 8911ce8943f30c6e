"""Times and durations of templates: what `toTime` and `toDuration` return, with the methods that Go's have."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sidecar.rules.gotemplate.errors import CallError
from sidecar.rules.gotemplate.function import Function
from sidecar.rules.gotemplate.values import Named, Opaque, Value
from sidecar.rules.humanize import number_of, time_ms_of

TIME, DURATION = "time.Time", "time.Duration"

_SECOND = 1_000_000_000
_LEAST = -(2**63)


def to_time(seconds: Value) -> Opaque:
    """Return the time of Unix seconds, in milliseconds."""
    from gotime import Time  # slow to import

    return _time(Time.from_unix_milliseconds(time_ms_of(number_of(seconds))).utc(), is_pointer=True)


def to_duration(seconds: Value) -> Opaque:
    """Return seconds as a duration; the least of all for what is none or too many, as Go's conversion has it."""
    nanoseconds = number_of(seconds) * 1e9
    duration = _duration(int(nanoseconds) if abs(nanoseconds) < 2**63 else _LEAST)
    return Opaque(DURATION, duration.text, duration.method, is_pointer=True, inner=int(duration))


def _time(moment: Any, *, is_pointer: bool = False) -> Opaque:
    return Opaque(TIME, str(moment), _methods(_TIME, moment), is_pointer=is_pointer, inner=moment)


def _duration(nanoseconds: int) -> Named:
    from goduration import Duration

    return Named(nanoseconds, DURATION, str(Duration(nanoseconds)), _methods(_DURATION, nanoseconds))


def _named(go_type: str, member: Any) -> Named:
    """Return a month or a day of the week."""
    return Named(int(member), go_type, str(member), _methods(_NAMED, member))


def _methods(table: Mapping[str, Function], receiver: Any) -> Callable[[str], Function | None]:
    def method(name: str) -> Function | None:
        found = table.get(name)
        return found and Function(partial(_called, found.call, receiver), found.parameters, results=found.results)

    return method


def _called(call: Callable[..., Value], *arguments: Value) -> Value:
    try:
        return call(*arguments)
    except (TypeError, ValueError, OverflowError) as error:
        raise CallError(str(error)) from error


def _over(value: Any, duration: int) -> Any:
    """Return what takes a duration, and gives a time back."""
    from goduration import Duration

    return value(Duration(duration))


def _in_units(nanoseconds: int, unit: int) -> float:
    whole, rest = divmod(abs(nanoseconds), unit)
    return (whole + rest / unit) * (-1 if nanoseconds < 0 else 1)


def _whole_units(nanoseconds: int, unit: int) -> int:
    return abs(nanoseconds) // unit * (-1 if nanoseconds < 0 else 1)


def _rounded(nanoseconds: int, multiple: int) -> Named:
    from goduration import Duration

    return _duration(Duration(nanoseconds).round(Duration(multiple)).nanoseconds)


def _several(count: int) -> Function:
    """Return a method that no template can call, for its results are several."""
    return Function(lambda _: None, results=count)


_TIME: Mapping[str, Function] = {
    "Add": Function(lambda time, duration: _time(_over(time.add, duration)), (DURATION,)),
    "AddDate": Function(lambda time, *parts: _time(time.add_date(*parts)), ("int", "int", "int")),
    "After": Function(lambda time, other: time.after(other), (TIME,)),
    "Before": Function(lambda time, other: time.before(other), (TIME,)),
    "Clock": _several(3),
    "Compare": Function(lambda time, other: time.compare(other), (TIME,)),
    "Date": _several(3),
    "Day": Function(lambda time: time.day),
    "Equal": Function(lambda time, other: time.equal(other), (TIME,)),
    "Format": Function(lambda time, layout: time.format(layout), ("string",)),
    "GoString": Function(lambda time: time.go_string()),
    "Hour": Function(lambda time: time.hour),
    "ISOWeek": _several(2),
    "IsDST": Function(lambda time: time.is_dst()),
    "IsZero": Function(lambda time: time.is_zero()),
    "Local": Function(lambda time: _time(time)),  # every time here is one of UTC
    "Location": Function(lambda time: Opaque("time.Location", "UTC", _methods(_NAMED, "UTC"), is_pointer=True)),
    "Minute": Function(lambda time: time.minute),
    "Month": Function(lambda time: _named("time.Month", time.month)),
    "Nanosecond": Function(lambda time: time.nanosecond),
    "Round": Function(lambda time, duration: _time(_over(time.round, duration)), (DURATION,)),
    "Second": Function(lambda time: time.second),
    "String": Function(str),
    "Sub": Function(lambda time, other: _duration(time.subtract(other).nanoseconds), (TIME,)),
    "Truncate": Function(lambda time, duration: _time(_over(time.truncate, duration)), (DURATION,)),
    "UTC": Function(lambda time: _time(time)),
    "Unix": Function(lambda time: time.unix()),
    "UnixMicro": Function(lambda time: time.unix_microseconds()),
    "UnixMilli": Function(lambda time: time.unix_milliseconds()),
    "UnixNano": Function(lambda time: time.unix_nanoseconds()),
    "Weekday": Function(lambda time: _named("time.Weekday", time.weekday)),
    "Year": Function(lambda time: time.year),
    "YearDay": Function(lambda time: time.year_day),
    "Zone": _several(2),
    "ZoneBounds": _several(2),
}

_DURATION: Mapping[str, Function] = {
    "Abs": Function(lambda duration: _duration(min(abs(duration), 2**63 - 1))),
    "Hours": Function(lambda duration: _in_units(duration, 3600 * _SECOND)),
    "Microseconds": Function(lambda duration: _whole_units(duration, 1000)),
    "Milliseconds": Function(lambda duration: _whole_units(duration, 1_000_000)),
    "Minutes": Function(lambda duration: _in_units(duration, 60 * _SECOND)),
    "Nanoseconds": Function(lambda duration: duration),
    "Round": Function(_rounded, (DURATION,)),
    "Seconds": Function(lambda duration: _in_units(duration, _SECOND)),
    "String": Function(lambda duration: _duration(duration).text),
    "Truncate": Function(
        lambda duration, multiple: _duration(_whole_units(duration, multiple) * multiple if multiple > 0 else duration),
        (DURATION,),
    ),
}

_NAMED: Mapping[str, Function] = {"String": Function(str)}
