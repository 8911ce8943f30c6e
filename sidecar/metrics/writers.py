"""Recognising that two processes write one series, because nothing in their resource tells them apart."""

RETURNS = 2
"""How often an earlier start, or a value from before a fall, must come back: of a process that is being replaced the
last data point may come after the first one of the next."""


class Writers:
    """What the last cumulative data points of a series said of whoever sent them; `start` is their latest start.

    A process that starts anew has a later start than before, and goes on with it: who says an earlier one again and
    again is another process. Where starts are not said, values tell: of two processes in turn they fall, and are back
    where they were with the next data point; those of one that restarts rise from zero.
    """

    __slots__ = ("_before_fall", "_last", "_returns", "start")

    def __init__(self) -> None:
        self.start = 0
        self._last = 0.0
        self._before_fall: float | None = None
        self._returns = 0

    def is_of_another(self, start: int) -> bool:
        """Return whether this start, in nanoseconds, is an earlier one that came back; 0 does not say.

        It need not be asked about the same start as the last time.
        """
        if start > self.start:
            self.start, self._returns = start, 0
        elif 0 < start < self.start:
            self._returns += 1
        return 0 < start < self.start and self._returns >= RETURNS

    def take_turns(self, level: float) -> bool:
        """Return whether the values up to this one are of two processes that do not say their starts."""
        if self._before_fall is not None:
            self._returns = self._returns + 1 if level >= self._before_fall else 0
        self._before_fall = self._last if level < self._last else None
        self._last = level
        return self._returns >= RETURNS
