"""Times as peers send them: Unix nanoseconds, of which 0 is "not set", and many are wrong.

Senders write seconds or milliseconds where nanoseconds belong, leave times out, have clocks that begin in 1970 or are
hours off. What is taken from a time is bounded here, so that one wrong number ruins no sum and hides no other item.
"""

AHEAD_SECONDS = 600.0
"""How far ahead of ours a sender's clock may be; a later time is not believed."""
EARLIEST_SECONDS = 631_152_000.0
"""1990: an earlier time is not believed. No telemetry is so old; one in wrong units is of January 1970."""
CLOCK_NANO = 3_600 * 10**9
"""What took an hour or less is believed by any clock, however wrong that is."""
LONGEST_NANO = 30 * 86_400 * 10**9
"""What took longer than 30 days is not believed."""
_DAY_SECONDS = 86_400.0


def is_plausible(nano: int, now: float) -> bool:
    """Return whether `nano` may be a moment, as of Unix time `now`: set, not before 1990, at most 10 minutes ahead."""
    return EARLIEST_SECONDS <= nano / 1e9 <= now + AHEAD_SECONDS


def plausible_nano(now: float, *candidates: int) -> int:
    """Return the first of `candidates` that may be a moment, else Unix time `now`; in nanoseconds."""
    for nano in candidates:  # of every data point, so without a call for each
        if EARLIEST_SECONDS <= nano / 1e9 <= now + AHEAD_SECONDS:
            return nano
    return max(round(now * 1e9), 1)


def happened_at(now: float, *candidates: int) -> float:
    """Return the first of `candidates` that may be a moment, in Unix seconds and not after `now`; else `now`."""
    return next((min(nano / 1e9, now) for nano in candidates if is_plausible(nano, now)), now)


def took_nano(start: int, end: int, now: float) -> int:
    """Return how long something took that was there at Unix time `now`.

    It took no time if start or end is not set, if it ends before it starts, or if its length is not believed: over 30
    days, or over an hour with an end more than a day ahead of us. A start before 1990 needs no rule of its own.
    """
    if not start or end <= start:
        return 0
    length = end - start
    if length <= CLOCK_NANO:
        return length
    return length if length <= LONGEST_NANO and end / 1e9 <= now + _DAY_SECONDS else 0
