"""Configuration of mutes."""

from datetime import UTC, tzinfo
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BeforeValidator, Field, field_validator, model_validator

from sidecar.model.config import Config
from sidecar.rules.mutes.interval import TimeInterval, day_range, minute_of_day, month_range, weekday_range, year_range


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


Words = tuple[Annotated[str, BeforeValidator(_text)], ...]


class TimesConfig(Config):
    """A part of the day; one that goes past midnight is two."""

    start_time: str = Field(description="First minute, as in `09:30`.", examples=["09:30", "02:00"])
    end_time: str = Field(description="The minute after the last, up to `24:00`.", examples=["22:00", "24:00"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if minute_of_day(self.end_time) <= minute_of_day(self.start_time):
            raise ValueError("`end_time` must be after `start_time`; past midnight takes two parts")
        return self


class WindowConfig(Config):
    """A time interval as in Alertmanager's `time_intervals`; all that is given must hold."""

    times: tuple[TimesConfig, ...] = Field((), description="Parts of the day; none: all of it.")
    weekdays: Words = Field(
        (), description="As in `monday:friday` or `sunday`.", examples=[["monday:friday"], ["sunday"]]
    )
    days_of_month: Words = Field(
        (), description="As in `1:7`, or `-3:-1` for the last three.", examples=[["1:7"], ["-3:-1"]]
    )
    months: Words = Field(
        (), description="As in `june:august`, `6:8` or `december`.", examples=[["june:august"], ["12"]]
    )
    years: Words = Field((), description="As in `2026:2027`.", examples=[["2026:2027"], ["2028"]])
    location: str = Field("UTC", description="Time zone, as in `Europe/Berlin`.", examples=["UTC", "Europe/Berlin"])

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.interval()
        return self

    def interval(self) -> TimeInterval:
        """Return what it says; raise ValueError where that cannot be read."""
        return TimeInterval(
            [(minute_of_day(part.start_time), minute_of_day(part.end_time)) for part in self.times],
            [weekday_range(text) for text in self.weekdays],
            [day_range(text) for text in self.days_of_month],
            [month_range(text) for text in self.months],
            [year_range(text) for text in self.years],
            _zone(self.location),
        )


class MuteConfig(Config):
    """Alerts that webhooks are not told of, for a while or again and again. Alertmanagers have silences instead."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$",
        max_length=100,
        description="Name in the API and on the page, without spaces.",
        examples=["night", "release"],
    )
    matchers: tuple[str, ...] = Field(
        min_length=1,
        description='What labels an alert must have, as in `alertname="Slow"` or `team=~"a|b"`; all must match.',
        examples=[['alertname="Slow"'], ['team=~"a|b"']],
    )
    ends_at: AwareDatetime | None = Field(
        None,
        description="When it is over for good, as in `2026-12-24T18:00:00Z`.",
        examples=["2026-12-24T18:00:00Z", "2027-01-01T00:00:00+01:00"],
    )
    windows: tuple[WindowConfig, ...] = Field(
        (), description="When it holds, in any of them; none: all the time until `ends_at`."
    )
    reason: str = Field("", max_length=500, description="Why.")
    actor: str = Field("", max_length=100, description="Who wants it.")

    @field_validator("matchers")
    @classmethod
    def _can_be_read(cls, matchers: tuple[str, ...]) -> tuple[str, ...]:
        # Here and not above: it takes RE2, which nobody needs before the listener is open unless there are mutes.
        from sidecar.rules.mutes.matchers import parse_matcher

        for text in matchers:
            parse_matcher(text).predicate()
        return matchers

    @model_validator(mode="after")
    def _is_over_some_time(self) -> Self:
        if self.ends_at is None and not self.windows:
            raise ValueError("set `ends_at`, `windows` or both: a mute without an end is forgotten")
        return self


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"`{name}` is no time zone that is known here") from None
