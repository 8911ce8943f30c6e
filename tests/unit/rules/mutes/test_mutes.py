"""When mutes hold: until their end, and in windows by the clock on the wall of a time zone, summer time included."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.rules.mutes.config import MuteConfig, WindowConfig
from sidecar.rules.mutes.matchers import parse_matcher
from sidecar.rules.mutes.mutes import Mutes, MuteState

WHY = {"reason": "Works on the line.", "actor": "ada"}


def mutes(**given: Any) -> Mutes:
    made = Mutes()
    made.configure([MuteConfig.model_validate({"name": "night", "matchers": ["alertname=Slow"], **WHY, **given})])
    return made


def ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def held(window: dict[str, Any], first: str, hours: int, step_minutes: int = 30) -> list[str]:
    """Return the moments, in UTC, from `first` on at which `window` holds."""
    interval = WindowConfig.model_validate(window).interval()
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    moments = [start + timedelta(minutes=minutes) for minutes in range(0, hours * 60, step_minutes)]
    return [f"{moment:%H:%M}" for moment in moments if interval.holds(round(moment.timestamp() * 1000))]


def test_a_mute_is_about_alerts_that_all_its_matchers_match_until_its_end() -> None:
    made = mutes(matchers=['alertname=~"Slow|Dead"', "team!=db"], ends_at="2026-12-24T18:00:00+01:00")
    before, after = ms("2026-12-24T16:59:59"), ms("2026-12-24T17:00:00")
    assert made.is_muted({"alertname": "Slow"}, before)
    assert not made.is_muted({"alertname": "Slow"}, after)
    assert not made.is_muted({"alertname": "Slow", "team": "db"}, before)
    assert not made.is_muted({"alertname": "Slower"}, before)
    assert [made.all[0].state(at) for at in (before, after)] == [MuteState.ACTIVE, MuteState.OVER]


def test_a_window_holds_outside_of_working_hours() -> None:
    made = mutes(windows=[{"times": [{"start_time": "20:00", "end_time": "24:00"}]}, {"weekdays": ["saturday"]}])
    assert made.all[0].state(ms("2026-12-04T19:59:59")) is MuteState.WAITING
    assert made.is_muted({"alertname": "Slow"}, ms("2026-12-04T20:00:00"))
    assert made.is_muted({"alertname": "Slow"}, ms("2026-12-05T00:00:00"))
    assert not made.is_muted({"alertname": "Slow"}, ms("2026-12-06T00:00:00"))


NIGHT = {"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": "Europe/Berlin"}


def test_an_hour_that_is_skipped_in_spring_is_in_no_window() -> None:
    assert held(NIGHT, "2026-03-28T00:00", 4) == ["01:00", "01:30"]
    assert held(NIGHT, "2026-03-29T00:00", 4) == []
    assert held(NIGHT, "2026-03-30T00:00", 4) == ["00:00", "00:30"]


def test_an_hour_that_comes_twice_in_autumn_is_in_the_window_twice() -> None:
    assert held(NIGHT, "2026-10-24T00:00", 4) == ["00:00", "00:30"]
    assert held(NIGHT, "2026-10-25T00:00", 4) == ["00:00", "00:30", "01:00", "01:30"]
    assert held(NIGHT, "2026-10-26T00:00", 4) == ["01:00", "01:30"]


def test_the_weekday_is_that_of_the_time_zone() -> None:
    sunday = {"weekdays": ["sunday"], "location": "Pacific/Auckland"}
    assert held(sunday, "2026-06-06T11:00", 3, 60) == ["12:00", "13:00"]


@pytest.mark.parametrize(
    ("window", "day", "expected"),
    [
        ({"days_of_month": ["1:3"]}, "2026-02-03", True),
        ({"days_of_month": ["1:3"]}, "2026-02-04", False),
        ({"days_of_month": ["-1"]}, "2026-02-28", True),
        ({"days_of_month": ["-1"]}, "2028-02-28", False),
        ({"days_of_month": ["-3:-1"]}, "2026-04-28", True),
        ({"days_of_month": ["30:31"]}, "2026-02-28", False),
        ({"days_of_month": ["25:-1"]}, "2026-02-28", True),
        ({"days_of_month": [7]}, "2026-02-07", True),
        ({"months": ["june:august"]}, "2026-07-01", True),
        ({"months": ["6:8"]}, "2026-09-01", False),
        ({"months": ["December"]}, "2026-12-01", True),
        ({"years": ["2026:2027"]}, "2028-01-01", False),
        ({"years": [2028]}, "2028-01-01", True),
        ({"weekdays": ["monday:friday"]}, "2026-12-06", False),
        ({"weekdays": ["monday:friday"], "months": ["12"]}, "2026-12-04", True),
        ({}, "2026-12-04", True),
    ],
)
def test_what_is_given_must_all_hold(window: dict[str, Any], day: str, expected: bool) -> None:
    assert WindowConfig.model_validate(window).interval().holds(ms(f"{day}T12:00")) is expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "set `ends_at`, `windows` or both"),
        ({"ends_at": "2026-12-24T18:00:00"}, "timezone"),
        ({"windows": [{}], "matchers": ["a"]}, "`a` is no matcher"),
        ({"windows": [{}], "matchers": ["a=~("]}, "error parsing regexp"),
        ({"windows": [{}], "matchers": []}, "at least 1"),
        ({"windows": [{"location": "Europe/Atlantis"}]}, "`Europe/Atlantis` is no time zone"),
        ({"windows": [{"location": "../../etc/passwd"}]}, "is no time zone"),
        ({"windows": [{"weekdays": ["friday:monday"]}]}, "the first comes after the last"),
        ({"windows": [{"weekdays": ["someday"]}]}, "`someday` are no weekdays"),
        ({"windows": [{"months": ["13"]}]}, "`13` are no months"),
        ({"windows": [{"days_of_month": ["0"]}]}, "`0` are no days of a month"),
        ({"windows": [{"days_of_month": ["-1:1"]}]}, "`-1:1` are no days"),
        ({"windows": [{"years": ["soon"]}]}, "`soon` are no years"),
        ({"windows": [{"times": [{"start_time": "22:00", "end_time": "06:00"}]}]}, "past midnight takes two parts"),
        ({"windows": [{"times": [{"start_time": "9:00", "end_time": "10:00"}]}]}, "`9:00` is no time of day"),
    ],
)
def test_what_cannot_be_read_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        mutes(**given)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=b", 'a="b"'),
        (' a != "b c" ', 'a!="b c"'),
        (r'a=~"x\"y\\z\.w"', r'a=~"x"y\z\.w"'),
        ("a!~b.*", 'a!~"b.*"'),
        ('a=""', 'a=""'),
    ],
)
def test_matchers_are_written_as_for_an_alertmanager(text: str, shown: str) -> None:
    assert str(parse_matcher(text)) == shown
