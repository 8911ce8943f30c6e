"""Calls, times and errors of each query, in columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from sidecar.derive.series import Floats, grown
from sidecar.sketch.exponential import PER_OCTAVE, bucket_of
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.query import Query
from sidecar.spans.shares import fair_share

Severity = Literal["slow", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
QUANTILES = (0.5, 0.95, 0.99)

_STEP = 4
_LOWEST, _BUCKETS = -20 * PER_OCTAVE // _STEP, 28 * PER_OCTAVE // _STEP + 1
"""Buckets of 8 per octave, from a microsecond to 256 s; the first and last hold what is beyond."""
RELATIVE_ERROR = 2 ** (_STEP / (2 * PER_OCTAVE)) - 1
"""The largest relative error of a quantile within these bounds, 4.4 %."""
_CALLS, _ERRORS, _SECONDS, _SHORTEST, _LONGEST, _FIRST_SEEN, _LAST_SEEN, _SLOW = range(8)
_COLUMNS = _SLOW + len(SEVERITIES)
_LEAVE_AT_ONCE = 10
"""A tenth of all queries leaves at a time, because those who know queries by their texts have to begin anew then."""
_HALF_LIFE_SECONDS = 86_400.0
"""After this time without a call a query is worth half as much."""


class SlowCall(NamedTuple):
    """The call at `place` of those that were added, which took long; `weight` is how many it stands for."""

    place: int
    query: Query
    seconds: float
    severity: str
    weight: float


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What is known about a query; times are Unix time and durations seconds. To be read at once."""

    query: Query
    calls: float
    errors: float
    seconds: float
    shortest_seconds: float
    longest_seconds: float
    slow: Mapping[str, float]
    first_seen: float
    last_seen: float
    buckets: Floats

    @property
    def mean_seconds(self) -> float:
        """How long a call took on average."""
        return self.seconds / self.calls if self.calls else 0.0

    @property
    def quantiles(self) -> Mapping[float, float]:
        """How long the calls took at most, by the share of them, within 4.4 % and between the shortest and longest."""
        return {
            ratio: min(max(seconds, self.shortest_seconds), self.longest_seconds)
            for ratio, seconds in _quantiles(self.buckets).items()
        }

    @property
    def histogram(self) -> Iterable[tuple[float, float]]:
        """The calls as (upper bound in seconds, calls), empty buckets left out."""
        return ((_upper_bound(bucket), float(self.buckets[bucket])) for bucket in np.flatnonzero(self.buckets).tolist())


class QueryStatistics:
    """The queries of all services, within a limit.

    When there are too many, those go that are worth least, of services that have more than their share. A query is
    worth what its calls took together, and its longest call once more; half of that after a day without a call.
    `generation` rises whenever some went, `evicted` counts them.
    """

    def __init__(self, config: QueriesConfig) -> None:
        self.generation = 0
        self.evicted = 0
        self._config = config
        self._queries: dict[tuple[str, str, str], Query] = {}
        self._by_fingerprint: dict[str, Query] = {}
        self._free: list[int] = []
        self._sums = np.zeros((0, _COLUMNS))
        self._histograms = np.zeros((0, _BUCKETS))

    def configure(self, config: QueriesConfig) -> None:
        """Take other settings."""
        self._config = config

    def query_of(self, service: str, system: str, statement: str, *, by_driver: bool = False) -> Query:
        """Return the query, a new one if it was not seen yet; it has a place until the next `keep_limits` or `add`."""
        key = (service, system, statement)
        query = self._queries.get(key)
        if query is None:
            query = self._queries[key] = Query(service, system, statement, self._new_row(), by_driver)
            self._by_fingerprint[query.fingerprint] = query
        return query

    def add(
        self, queries: Sequence[Query], seconds: Floats, fails: NDArray[np.bool_], weights: Floats | None, now: float
    ) -> list[SlowCall]:
        """Count calls that took `seconds` at Unix time `now`; return the slow ones.

        A query that left meanwhile comes back.
        """
        queries = [query if query.row >= 0 else self._again(query) for query in queries]
        rows = np.fromiter((query.row for query in queries), np.int64, len(queries))
        counts = np.ones(len(rows)) if weights is None else weights
        first = rows[self._sums[rows, _CALLS] == 0]
        self._sums[first, _FIRST_SEEN], self._sums[first, _SHORTEST] = now, np.inf
        for column, values in ((_CALLS, counts), (_ERRORS, counts * fails), (_SECONDS, counts * seconds)):
            self._sums[:, column] += np.bincount(rows, values, len(self._sums))
        np.add.at(self._histograms, (rows, _buckets_of(seconds)), counts)
        np.minimum.at(self._sums[:, _SHORTEST], rows, seconds)
        np.maximum.at(self._sums[:, _LONGEST], rows, seconds)
        self._sums[rows, _LAST_SEEN] = now
        slow = [
            self._slow_call(place, queries[place], float(seconds[place]), float(counts[place]))
            for place in (seconds > self._config.slow_seconds).nonzero()[0].tolist()
        ]
        if len(self._queries) > self._config.max_queries:
            self._make_room(now)
        return slow

    def keep_limits(self, now: float) -> None:
        """Let queries go at Unix time `now` if there are twice as many as may be, those first that have no calls."""
        if len(self._queries) > 2 * self._config.max_queries:
            self._make_room(now)

    def _again(self, query: Query) -> Query:
        return self.query_of(query.service, query.system, query.statement, by_driver=query.by_driver)

    def all(self) -> Iterator[QueryFacts]:
        """Yield what is known about each query that has calls; those that leave meanwhile are left out."""
        return (
            self._facts(query)
            for query in tuple(self._queries.values())
            if query.row >= 0 and self._sums[query.row, _CALLS] > 0
        )

    def get(self, fingerprint: str) -> QueryFacts | None:
        """Return what is known about a query; None if there is none with this fingerprint, or it has no calls."""
        query = self._by_fingerprint.get(fingerprint)
        return None if query is None or not self._sums[query.row, _CALLS] else self._facts(query)

    def _slow_call(self, place: int, query: Query, seconds: float, weight: float) -> SlowCall:
        critical, warning = seconds > self._config.critical_seconds, seconds >= self._config.warning_seconds
        severity = 2 if critical else 1 if warning else 0
        self._sums[query.row, _SLOW + severity] += weight
        return SlowCall(place, query, seconds, SEVERITIES[severity], weight)

    def _facts(self, query: Query) -> QueryFacts:
        values = self._sums[query.row].tolist()
        return QueryFacts(
            query=query,
            calls=values[_CALLS],
            errors=values[_ERRORS],
            seconds=values[_SECONDS],
            shortest_seconds=values[_SHORTEST],
            longest_seconds=values[_LONGEST],
            slow=dict(zip(SEVERITIES, values[_SLOW:], strict=True)),
            first_seen=values[_FIRST_SEEN],
            last_seen=values[_LAST_SEEN],
            buckets=self._histograms[query.row],
        )

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._queries)
        self._sums, self._histograms = grown(self._sums, row + 1), grown(self._histograms, row + 1)
        return row

    def _make_room(self, now: float) -> None:
        most = self._config.max_queries - self._config.max_queries // _LEAVE_AT_ONCE
        by_service: dict[str, list[Query]] = {}
        for query in self._queries.values():
            by_service.setdefault(query.service, []).append(query)
        # of more services than queries that may stay, each keeps one for now
        share = max(fair_share([len(of) for of in by_service.values()], most), 1)
        for queries in by_service.values():
            if len(queries) > share:
                queries.sort(key=lambda query: self._worth(query, now))
                self._let_go(queries[: len(queries) - share])
        if len(self._queries) > most:
            left = sorted(self._queries.values(), key=lambda query: self._worth(query, now))
            self._let_go(left[: len(left) - most])
        self._sums[self._free], self._histograms[self._free] = 0, 0
        self.generation += 1

    def _worth(self, query: Query, now: float) -> float:
        seconds, longest, last_seen = self._sums[query.row, [_SECONDS, _LONGEST, _LAST_SEEN]].tolist()
        return float((seconds + longest) * 0.5 ** ((now - last_seen) / _HALF_LIFE_SECONDS))

    def _let_go(self, queries: Sequence[Query]) -> None:
        for query in queries:
            del self._queries[query.service, query.system, query.statement], self._by_fingerprint[query.fingerprint]
            self._free.append(query.row)
            query.row = -1
            self.evicted += 1


def _buckets_of(seconds: Floats) -> NDArray[np.int64]:
    buckets = -(-bucket_of(np.maximum(seconds, 1e-9)) // _STEP)
    return np.minimum(np.maximum(buckets - _LOWEST, 0), _BUCKETS - 1)


def _upper_bound(bucket: int) -> float:
    return float(2 ** ((bucket + _LOWEST) * _STEP / PER_OCTAVE))


def _quantiles(counts: Floats) -> dict[float, float]:
    """Return the quantiles of a row, each the geometric middle of its bucket; zeros if it is empty."""
    below = np.cumsum(counts)
    if not below[-1]:
        return dict.fromkeys(QUANTILES, 0.0)
    buckets = np.searchsorted(below, np.multiply(QUANTILES, below[-1])).tolist()
    return {
        ratio: _upper_bound(bucket) / (1 + RELATIVE_ERROR) for ratio, bucket in zip(QUANTILES, buckets, strict=True)
    }
