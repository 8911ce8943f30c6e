"""Which times a query may ask for."""

from sidecar.model.errors import QueryError

_MAX_STEPS = 11_000
_LATEST_MS = 1 << 60
"""Times further from 1970 are refused; this is half a million years before the numbers end."""


def check_steps(start_ms: int, end_ms: int, step_ms: int) -> None:
    """Raise QueryError, in the words of Prometheus, for steps that lead nowhere or are too many."""
    if step_ms <= 0:
        message = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise QueryError("bad_data", message)
    if end_ms < start_ms:
        raise QueryError("bad_data", "end timestamp must not be before start time")
    if (end_ms - start_ms) / step_ms > _MAX_STEPS:
        raise QueryError(
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries."
            " Try decreasing the query resolution (?step=XX)",
        )


def checked(first_ms: int, last_ms: int) -> int:
    """Return `first_ms`; raise QueryError where it or `last_ms` is too far from now to count with."""
    if first_ms < -_LATEST_MS or last_ms > _LATEST_MS:
        raise QueryError("execution", f"a time between {first_ms} and {last_ms} ms is out of range")
    return first_ms
