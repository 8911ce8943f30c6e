"""Recognising that two processes write one series, because nothing in their resource tells them apart."""

RETURNS = 2
"""How often a value must come back to where it was before it fell, one data point after the fall."""


class Writers:
    """What the last cumulative data points of a series said of whoever sent them.

    A process that starts anew has a later start than before, and goes on with it: who says an earlier one again is
    another process. Where starts are not said, values tell: of two processes in turn they fall, and are back where they
    were with the next data point, again and again; those of one that restarts rise from zero.
    """

    __slots__ = ("_before_fall", "_last", "_returns", "_start")

    def __init__(self) -> None:
        self._start = 0
        self._last = 0.0
        self._before_fall: float | None = None
        self._returns = 0

    def started_later(self, start: int) -> bool:
        """Return whether the last start was later than this one, in nanoseconds; 0 does not say."""
        if start >= self._start:
            self._start = start
            return False
        return start > 0

    def take_turns(self, level: float) -> bool:
        """Return whether the values up to this one are of two processes that do not say their starts."""
        if self._start:
            return False
        if self._before_fall is not None:
            self._returns = self._returns + 1 if level >= self._before_fall else 0
        self._before_fall = self._last if level < self._last else None
        self._last = level
        return self._returns >= RETURNS
