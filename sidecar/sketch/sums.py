"""Sums over the last minutes, many at once, in slices of time that are thrown away one by one."""

import numpy as np
from numpy.typing import NDArray

from sidecar.sketch.window import Window

Columns = NDArray[np.float64]


class SlidingSums:
    """Rows of `width` sums of what was added within a window, exact to one slice: the oldest slice leaves as a whole.

    Time must not go back; what is added late counts at the time of adding.
    """

    def __init__(self, window: Window, width: int) -> None:
        self._window = window
        self._slices = np.zeros((window.slices, 0, width))
        self._slice = -1
        self._since = np.inf

    def add(self, now: float, rows: NDArray[np.int64], first: int, values: Columns) -> None:
        """Add each row of `values` to the row of sums beside it, from column `first` on, at Unix time `now`."""
        self._turn(now)
        present = self._slices[self._slice % self._window.slices].reshape(-1)
        columns = np.arange(first, first + values.shape[1])
        np.add.at(present, (rows[:, None] * self._slices.shape[2] + columns).ravel(), values.ravel())

    def make_room(self, rows: int) -> None:
        """Have at least that many rows; new ones are zero."""
        missing = rows - self._slices.shape[1]
        if missing > 0:
            room = np.zeros((self._window.slices, max(64, rows, missing), self._slices.shape[2]))
            self._slices = np.concatenate([self._slices, room], axis=1)

    def read(self, now: float) -> Columns:
        """Return the sums of every row over the window that ends at `now`."""
        self._turn(now)
        sums: Columns = self._slices.sum(axis=0)
        return sums

    def seconds(self, now: float) -> float:
        """Return how much time `read` covers: all but what is left of the present slice, or less at first."""
        passed = now - self._slice * self._window.slice_seconds
        return min(self._window.seconds - self._window.slice_seconds + passed, now - self._since)

    def keep(self, kept: NDArray[np.int64]) -> None:
        """Keep the rows `kept`, which move up."""
        self._slices = self._slices.take(kept, axis=1)  # by an index it would be in another order, and `add` see a copy

    def _turn(self, now: float) -> None:
        current = int(now // self._window.slice_seconds)
        self._since = min(self._since, now)
        if current <= self._slice:
            return
        passed = min(current - self._slice, self._window.slices)
        for ended in range(current - passed + 1, current + 1):
            self._slices[ended % self._window.slices] = 0.0
        self._slice = current
