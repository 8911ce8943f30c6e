"""Native histograms, which we do not have: where a script has some, and the refusal of what would read them."""

from collections.abc import Iterable, Sequence

from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.model.matcher import Matcher
from sidecar.model.series import SeriesBlock
from tests.conformance.promql.store import Store


class NativeHistogramError(QueryError):
    """A selector found native histograms."""


class RefusingStore:
    """The floats of `floats`; a query that finds a native histogram beside them is refused."""

    def __init__(self, floats: Store) -> None:
        self._floats = floats
        self._times: dict[Labels, set[int]] = {}

    def add(self, labels: Labels, times: Iterable[int]) -> None:
        """Say that the native histogram `labels` has samples at `times`."""
        self._times.setdefault(labels, set()).update(times)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, /) -> Sequence[SeriesBlock]:
        predicates = [(matcher.name, matcher.predicate()) for matcher in matchers]
        for labels, times in self._times.items():
            pairs = dict(labels)
            if all(p(pairs.get(n, "")) for n, p in predicates) and any(start_ms <= time <= end_ms for time in times):
                raise NativeHistogramError("execution", f"native histograms are not supported: {pairs[METRIC_NAME]}")
        return self._floats.select(matchers, start_ms, end_ms)
