"""Histograms over the last minutes and hours, in slices of time that are thrown away one by one."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from sidecar.model.steps import Steps
from sidecar.sketch.exponential import EMPTY, HistogramSet, merge

_PENDING = 64
"""Sets that are kept unmerged: merging each at once would cost more than all the rest of a feed."""


class Window(NamedTuple):
    """A length of time in seconds, cut into that many slices."""

    seconds: float
    slices: int

    @property
    def slice_seconds(self) -> float:
        """How long a slice is."""
        return self.seconds / self.slices


class _Slices:
    """The slices of one window: those that are over, and what the present one has so far."""

    def __init__(self, window: Window) -> None:
        self.coarsened = 0
        self._pending: list[HistogramSet] = []
        self._over: deque[HistogramSet] = deque(maxlen=window.slices - 1)
        self._merged: HistogramSet | None = None
        self._slice_seconds = window.slice_seconds
        self._slice = -1

    def add(self, histograms: HistogramSet, most: int) -> None:
        """Add to the present slice, which keeps fewer than `most` sets."""
        self._pending.append(histograms)
        if len(self._pending) >= most:
            self._pending = [self._limited(merge(self._pending))]

    def turn(self, now: float) -> HistogramSet | None:
        """Begin the slice of `now`; return what the one before it had, None if that is still the present one."""
        current = int(now // self._slice_seconds)
        if current <= self._slice:
            return None
        passed = min(current - self._slice, (self._over.maxlen or 0) + 1)
        ended = self._limited(merge(self._pending))
        self._over.extend([ended, *[EMPTY] * (passed - 1)])
        self._pending, self._merged, self._slice = [], None, current
        return ended

    def present(self) -> HistogramSet:
        """Return what the present slice has."""
        self._pending = [merge(self._pending)]
        return self._pending[0]

    def over(self) -> Steps[HistogramSet]:
        """Return in steps what the slices that are over now have together; it is merged once per slice."""
        if self._merged is not None:
            return self._merged
        merged, slice_ = EMPTY, self._slice
        for ended in tuple(self._over):
            merged = self._limited(merge([merged, ended]))
            yield
        if slice_ == self._slice:
            self._merged = merged
        return merged

    def memory_bytes(self) -> int:
        """Return what the slices hold."""
        return sum(item.memory_bytes() for item in (*self._pending, *self._over, self._merged or EMPTY))

    def _limited(self, histograms: HistogramSet) -> HistogramSet:
        limited = histograms.limited()
        self.coarsened += limited is not histograms
        return limited


class SlidingHistograms:
    """What was added within the last minute, hour and so on, each exact to one of its slices: the oldest leaves whole.

    What is added goes to the first of `windows`; the slices that end there make up the present slice of the next one,
    and so on, so slices must be whole multiples of those before. Memory is bounded by the number of slices times that
    of one HistogramSet, which grows with the spread of the values, not with their number, and is `limited`. Time must
    not go back; what is added late counts at the time of adding.
    """

    def __init__(self, windows: Mapping[str, Window]) -> None:
        self._windows = {name: _Slices(window) for name, window in windows.items()}
        self._first, *_ = self._windows.values()

    @property
    def coarsened(self) -> int:
        """How many times a set had more counts than one may have, and got wider buckets."""
        return sum(slices.coarsened for slices in self._windows.values())

    def add(self, now: float, histograms: HistogramSet) -> None:
        """Add `histograms` at Unix time `now`."""
        self._turn(now)
        self._first.add(histograms, _PENDING)

    def read(self, name: str, now: float) -> Steps[HistogramSet]:
        """Return in steps what the window `name` that ends at `now` has; what is added meanwhile is not in it."""
        self._turn(now)
        present = EMPTY
        for known, slices in self._windows.items():
            present = merge([present, slices.present()])
            if known == name:
                break
        over = yield from self._windows[name].over()
        return merge([over, present])

    def memory_bytes(self) -> int:
        """Return what all slices hold."""
        return sum(slices.memory_bytes() for slices in self._windows.values())

    def _turn(self, now: float) -> None:
        ended: HistogramSet | None = None
        for slices in self._windows.values():
            if ended is not None:
                slices.add(ended, 2)
            ended = slices.turn(now)
            if ended is None:  # nor is a longer slice over
                return
