"""The head's series as they are now, for who wants values and not PromQL."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.series import SeriesBlock, is_absent, is_stale
from sidecar.tsdb.head import Head

LOOKBACK_MS = 5 * 60_000
"""How old a value may be, as in Prometheus."""


class LatestValues:
    """Reads the last values from the head; `now` returns Unix time in seconds."""

    def __init__(self, head: Head, now: Callable[[], float]) -> None:
        self._head = head
        self._now = now

    def latest(self, labels: Mapping[str, str], /) -> Iterator[tuple[Labels, float]]:
        """Yield the series with these labels and their last value; none that ended."""
        now_ms = round(self._now() * 1000)
        matchers = [Matcher(name, MatchOp.EQUAL, value) for name, value in labels.items()]
        for block in self._head.select(matchers, now_ms - LOOKBACK_MS, now_ms):
            yield from _last(block)


def _last(block: SeriesBlock) -> Iterator[tuple[Labels, float]]:
    if not len(block.times):
        return
    present = ~is_absent(block.values)
    columns = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
    values = np.take_along_axis(block.values, columns[:, None], axis=1)[:, 0]
    shown = present.any(axis=1) & ~is_stale(values)
    for row in np.flatnonzero(shown).tolist():
        yield block.labels[row], float(values[row])
