"""What a query needs from a store of series."""

from collections.abc import Sequence
from typing import Protocol

from sidecar.model.matcher import Matcher
from sidecar.model.series import SeriesBlock


class SeriesSource(Protocol):
    """Gives the series that a selector asks for."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, /) -> Sequence[SeriesBlock]:
        """Return blocks of the series that satisfy all `matchers`, with their samples in [start_ms, end_ms].

        Times are Unix milliseconds, Prometheus' own resolution. A block may reach further than asked.
        """
        ...
