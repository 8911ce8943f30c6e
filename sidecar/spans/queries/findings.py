"""Queries that are asked again and again for one request."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sidecar.fingerprint.digest import digest
from sidecar.spans.queries.evidence import CITED_SECONDS, Evidence, NoEvidence
from sidecar.spans.queries.query import Query
from sidecar.spans.shares import Shares


class Kind(StrEnum):
    """How the calls follow each other."""

    N_PLUS_ONE = "n_plus_one"
    """One after the other: the request waits for each. Or each for a row of its own, by a span of its own."""
    FAN_OUT = "fan_out"
    """Most begin before another has ended: the database has many at once."""


class Repeated(NamedTuple):
    """Calls of `query` for one request, by the span or the spans `caller`; `seconds` is what they took together."""

    kind: Kind
    service: str
    route: str
    caller: str
    query: Query
    calls: int
    seconds: float
    trace_id: str


@dataclass(slots=True)
class Finding:
    """A query that is repeated for `route`, by the span or the spans named `caller`.

    `traces` counts the requests that did. `calls`, `seconds` (all calls together) and `trace_id`, in hexadecimal, are
    those of one of them, which is kept as evidence: at most a minute older than the latest; of the latest where none is
    kept. `most_calls` is the most of any. `first_seen`, `last_seen` and `cited_at` are Unix time, the last one None
    while no trace is kept.
    """

    kind: Kind
    service: str
    route: str
    caller: str
    query: Query
    first_seen: float
    last_seen: float = 0
    traces: int = 0
    calls: int = 0
    most_calls: int = 0
    seconds: float = 0
    trace_id: str = ""
    cited_at: float | None = None
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.kind.value, self.service, self.route, self.caller, self.query.fingerprint)
        self.fingerprint = digest(parts)


class Findings:
    """All findings within a limit, that seen last at the end; `evicted` counts those that made room.

    The one goes that was not seen for the longest time, of the service that has the most. The trace that a finding
    cites is kept by `evidence` until it cites another one, or goes.
    """

    def __init__(self, most: int, evidence: Evidence | None = None) -> None:
        self.evicted = 0
        self._evidence = evidence or NoEvidence()
        self._most = most
        self._findings: OrderedDict[str, Finding] = OrderedDict()
        self._shares = Shares()

    def configure(self, most: int) -> None:
        """Take another limit."""
        self._most = most
        self._make_room()

    def add(self, repeated: Repeated, now: float) -> Finding:
        """Take note of what was found in a trace, at Unix time `now`."""
        new = Finding(*repeated[:5], first_seen=now)
        finding = self._findings.setdefault(new.fingerprint, new)
        self._shares.use(finding.service, finding.fingerprint)
        self._findings.move_to_end(finding.fingerprint)
        self._make_room()
        finding.traces += 1
        finding.most_calls, finding.last_seen = max(finding.most_calls, repeated.calls), now
        self._cite(finding, repeated, now)
        return finding

    def newest(self) -> Iterator[Finding]:
        """Yield all findings, that seen last first."""
        return reversed(self._findings.values())

    def get(self, fingerprint: str) -> Finding | None:
        """Return a finding."""
        return self._findings.get(fingerprint)

    def _cite(self, finding: Finding, repeated: Repeated, now: float) -> None:
        if finding.cited_at is not None and now - finding.cited_at < CITED_SECONDS:
            return
        is_kept = self._evidence.cite(bytes.fromhex(repeated.trace_id))
        if finding.cited_at is not None:
            if not is_kept:
                return
            self._evidence.release(bytes.fromhex(finding.trace_id))
        finding.calls, finding.seconds, finding.trace_id = repeated.calls, repeated.seconds, repeated.trace_id
        finding.cited_at = now if is_kept else None

    def _make_room(self) -> None:
        while len(self._findings) > self._most:
            gone = self._findings.pop(self._shares.next_to_go())
            if gone.cited_at is not None:
                self._evidence.release(bytes.fromhex(gone.trace_id))
            self.evicted += 1
