"""Functions of a value that is a time in Unix seconds, in UTC."""

from collections.abc import Mapping

import numpy as np

from sidecar.model.series import Floats, Ints
from sidecar.promql.functions.math import Elementwise

_DAY = 86_400


def _years(values: Floats) -> Floats:
    return np.asarray(_months(values) // 12 + 1970, np.float64)


def _month(values: Floats) -> Floats:
    return np.asarray(_months(values) % 12 + 1, np.float64)


def _days(values: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]:
    return np.floor(values / _DAY).astype("datetime64[D]")


def _months(values: Floats) -> Ints:
    return _days(values).astype("datetime64[M]").astype(np.int64)


def _day_in(values: Floats, unit: str) -> Floats:
    """Return the day within the month or year, from 1."""
    days = _days(values)
    first: Floats = (days - days.astype(f"datetime64[{unit}]")).astype(np.float64)
    return first + 1


def _days_in_month(values: Floats) -> Floats:
    months = _days(values).astype("datetime64[M]")
    length = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    return np.asarray(length.astype(np.float64))


def _of_finite(function: Elementwise) -> Elementwise:
    """Return `function` with NaN for values that are no time."""

    def guarded(values: Floats) -> Floats:
        valid = np.abs(values) < 1e15
        return np.where(valid, function(np.where(valid, np.trunc(values), 0.0)), np.nan)

    return guarded


CALENDAR: Mapping[str, Elementwise] = {
    "day_of_month": _of_finite(lambda values: _day_in(values, "M")),
    "day_of_week": _of_finite(lambda values: (np.floor(values / _DAY) + 4) % 7),
    "day_of_year": _of_finite(lambda values: _day_in(values, "Y")),
    "days_in_month": _of_finite(_days_in_month),
    "hour": _of_finite(lambda values: np.floor(values / 3600) % 24),
    "minute": _of_finite(lambda values: np.floor(values / 60) % 60),
    "month": _of_finite(_month),
    "year": _of_finite(_years),
}
