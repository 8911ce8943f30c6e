"""Histograms over the last minutes or hours, in slices of time that are thrown away one by one."""

from collections import deque

from sidecar.sketch.exponential import EMPTY, HistogramSet, merge

_PENDING = 64
"""Sets that are kept unmerged: merging each at once would cost more than all the rest of a feed."""


class SlidingHistograms:
    """What was added within the last `window_seconds`, exact to one slice: the oldest slice leaves as a whole.

    Memory is bounded by the number of slices times that of one HistogramSet, which grows with the spread of the
    values, not with their number. Time must not go back; what is added late counts at the time of adding.
    """

    def __init__(self, window_seconds: float, slices: int) -> None:
        self.window_seconds = window_seconds
        self._slice_seconds = window_seconds / slices
        self._closed: deque[HistogramSet] = deque(maxlen=slices - 1)
        self._merged: HistogramSet | None = None
        self._pending: list[HistogramSet] = []
        self._slice = -1

    def add(self, now: float, histograms: HistogramSet) -> None:
        """Add `histograms` at Unix time `now`."""
        self._advance(now)
        self._pending.append(histograms)
        if len(self._pending) >= _PENDING:
            self._pending = [merge(self._pending)]

    def read(self, now: float) -> HistogramSet:
        """Return everything that was added within the window that ends at `now`."""
        self._advance(now)
        if self._merged is None:
            self._merged = merge(list(self._closed))
        self._pending = [merge(self._pending)]
        return merge([self._merged, *self._pending])

    def _advance(self, now: float) -> None:
        current = int(now // self._slice_seconds)
        if current <= self._slice:
            return
        passed = min(current - self._slice, (self._closed.maxlen or 0) + 1)
        closing = [merge(self._pending)] + [EMPTY] * (passed - 1)
        self._closed.extend(closing)
        self._pending, self._merged, self._slice = [], None, current
