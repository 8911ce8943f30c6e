"""What clients asked databases: each query, how long it took, for which requests, and what was repeated."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.reference.spans.sent import REDACT, Sent
from tests.reference.spans.series import Counted, Labels, LimitedSeries
from tests.reference.spans.trace import Trace, is_call

SLOW, WARNING, CRITICAL = 0.1, 0.5, 2.0
MIN_CALLS, MIN_CALLS_CACHE, MIN_SECONDS = 5, 10, 0.05
CACHES = ("redis", "valkey", "memcached")
UNKNOWN = ("", "(none)", "(not read)")
NO_REPETITION = frozenset(
    "BATCH BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE END ABORT SET RESET SHOW USE PREPARE DEALLOCATE DISCARD CLOSE "
    "LISTEN UNLISTEN EXPLAIN CONNECT PING LOCK".split()
)
NO_REPETITION_CACHE = frozenset("BATCH AUTH HELLO PING SELECT CLIENT MULTI EXEC DISCARD WATCH UNWATCH CONNECT".split())


class Query(NamedTuple):
    """What calls of a service have in common that differ in values only."""

    service: str
    system: str
    statement: str

    @property
    def is_cache(self) -> bool:
        return self.system in CACHES


class Call(NamedTuple):
    """A span that asked a query."""

    sent: Sent
    query: Query

    @property
    def may_repeat(self) -> bool:
        """Whether asking it once per row would be an N+1."""
        query = self.query
        word = query.statement.split(maxsplit=1)[0].rstrip(";").upper() if query.statement.strip() else "BATCH"
        if query.statement in UNKNOWN or self.sent.shape.by_driver:
            return False
        return not (word in NO_REPETITION_CACHE or ";" in query.statement if query.is_cache else word in NO_REPETITION)


def call_of(sent: Sent) -> Call:
    """Return which query a call to a database asks."""
    database = sent.shape.database
    assert database is not None
    fallback = " ".join(part for part in (database.operation, database.collection) if part not in ("", "(none)"))
    statement = sent.statement or fallback or "(none)"
    return Call(sent, Query(sent.service, database.system, f"BATCH {statement}" if sent.shape.is_batch else statement))


@dataclass
class QueryFacts:
    """What is known of a query."""

    by_driver: bool
    calls: list[Sent] = field(default_factory=list)
    judged_at: list[float] = field(default_factory=list)
    routes: dict[str, int] = field(default_factory=dict)

    @property
    def slow(self) -> dict[str, float]:
        found = dict.fromkeys(("slow", "warning", "critical"), 0.0)
        for sent in self.calls:
            if severity := _severity(sent.seconds):
                found[severity] += sent.weight
        return found


class Repetition(NamedTuple):
    """What makes a finding: calls of one query again and again while a request was served."""

    kind: str
    service: str
    route: str
    caller: str
    query: Query


class Repeated(NamedTuple):
    """A request in which it was found."""

    trace_id: bytes
    calls: int
    seconds: float


class Queries:
    """All queries of the spans that came."""

    def __init__(self) -> None:
        self._judged: list[tuple[float, Trace]] = []

    def add(self, trace: Trace, now: float) -> None:
        """Take spans that are judged together at Unix time `now`."""
        self._judged.append((now, trace))

    def facts(self) -> dict[Query, QueryFacts]:
        """Return what is known of each query."""
        facts: dict[Query, QueryFacts] = {}
        for now, trace in self._judged:
            for call in map(call_of, trace.statements()):
                of_query = facts.setdefault(call.query, QueryFacts(call.sent.shape.by_driver))
                of_query.calls.append(call.sent)
                of_query.judged_at.append(now)
        for asked in self._asked():
            routes = facts[asked.query].routes
            routes[asked.route] = routes.get(asked.route, 0) + len(asked.calls)
        return facts

    def findings(self) -> dict[Repetition, list[Repeated]]:
        """Return what was repeated, and in which requests, in the order in which these are looked at."""
        found: dict[Repetition, list[Repeated]] = {}
        for asked in self._asked():
            spent = round(sum(call.seconds for call in asked.calls), 9)
            least = MIN_CALLS_CACHE if asked.query.is_cache else MIN_CALLS
            if asked.may_repeat and len(asked.calls) >= least and spent >= MIN_SECONDS:
                what = Repetition(asked.kind, asked.service, asked.route, asked.caller, asked.query)
                found.setdefault(what, []).append(Repeated(asked.calls[0].trace_id, len(asked.calls), spent))
        return found

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        slow = Counted("sidecar_slow_queries_total", LimitedSeries(per_service=3))
        for call in self._calls():
            if severity := _severity(call.sent.seconds):
                slow.add(call.sent.service, {"severity": severity}, call.sent.weight)
        yield from slow.samples()
        repeated = Counted("sidecar_nplusone_total", LimitedSeries(per_service=20))
        for what, requests in self.findings().items():
            if what.kind == "n_plus_one":
                repeated.add(what.service, {"route": what.route}, float(len(requests)))
        yield from repeated.samples()
        yield ("sidecar_nplusone_spans_dropped_total", (("reason", "no_root"),)), float(self._dropped())

    def _calls(self) -> Iterator[Call]:
        for _, trace in self._judged:
            yield from map(call_of, trace.statements())

    def _asked(self) -> Iterator["Asked"]:
        for _, trace in self._judged:
            yield from _asked_in(trace)

    def _dropped(self) -> int:
        """Return how many calls might be repeated by somebody who is not known."""
        calls = [(trace, call_of(sent)) for _, trace in self._judged for sent in trace.statements()]
        return sum(it.may_repeat and bool(it.sent.parent_id) and not trace.request_of(it.sent) for trace, it in calls)


class Asked(NamedTuple):
    """How often one query was asked for a request."""

    service: str
    route: str
    caller: str
    query: Query
    calls: list[Sent]
    kind: str
    may_repeat: bool


def _asked_in(trace: Trace) -> Iterator[Asked]:
    """Yield the queries of a trace by the request, whoever below it made the calls (O11); of all statements (N14)."""
    groups: dict[tuple[object, ...], list[tuple[Call, Sent]]] = {}
    for call in map(call_of, trace.statements()):
        root = trace.request_of(call.sent)
        if root is not None:
            groups.setdefault((id(root), call.query), []).append((call, root))
    for group in groups.values():
        call, root = group[0]
        sent = [member.sent for member, _ in group]
        callers = [_caller_of(trace, one) for one in sent]
        known = [caller for caller in callers if caller is not None]
        known = known if len(known) == len(callers) else []
        kind = "n_plus_one" if _have_one_each(known) else _kind_of(sent)
        caller = str(REDACT.label(_name_of_callers(trace, known)))
        yield Asked(root.service, str(REDACT.label(root.route)), caller, call.query, sent, kind, call.may_repeat)


def _caller_of(trace: Trace, call: Sent) -> Sent | None:
    """Return the span that made a call, mappers left out; None where it did not come."""
    return next((caller for caller in trace.callers_within(call) if not is_call(caller)), None)


def _have_one_each(callers: Sequence[Sent]) -> bool:
    """N9: whether calls have callers of their own, of one name but for numbers: each was made for a row."""
    is_one_name = len({_pattern_of(caller) for caller in callers}) == 1
    return is_one_name and len({id(caller) for caller in callers}) >= MIN_CALLS


def _name_of_callers(trace: Trace, callers: Sequence[Sent]) -> str:
    """Return what those who made calls have in common: a name, one without numbers, or the innermost span above."""
    if not callers:
        return ""
    if len({_name_of(caller) for caller in callers}) == 1:
        return _name_of(callers[0])
    if len({_pattern_of(caller) for caller in callers}) == 1:
        return _pattern_of(callers[0])
    ways = [[caller, *trace.callers_within(caller)] for caller in callers]
    return next((_name_of(at) for at in ways[0] if all(at in way for way in ways)), _name_of(ways[0][-1]))


def _pattern_of(sent: Sent) -> str:
    return re.sub(r"\d+", "*", _name_of(sent))


def _name_of(sent: Sent) -> str:
    return sent.shape.name if sent.is_counted else sent.span.name


def _kind_of(calls: Iterable[Sent]) -> str:
    """Return `fan_out` if at least half of the calls begin before another has ended."""
    latest = overlapping = 0
    in_order = sorted(calls, key=lambda sent: (sent.span.start_time_unix_nano, sent.nanoseconds))
    for sent in in_order:
        overlapping += sent.span.start_time_unix_nano < latest
        latest = max(latest, sent.span.start_time_unix_nano + sent.nanoseconds)
    return "fan_out" if 2 * overlapping >= len(in_order) else "n_plus_one"


def _severity(seconds: float) -> str | None:
    if seconds > CRITICAL:
        return "critical"
    if seconds >= WARNING:
        return "warning"
    return "slow" if seconds > SLOW else None
