"""Queries that are asked again and again for one request."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sidecar.fingerprint.digest import digest
from sidecar.spans.queries.pending import CallGroup
from sidecar.spans.queries.query import Query


class Kind(StrEnum):
    """How the calls follow each other."""

    N_PLUS_ONE = "n_plus_one"
    """One after the other: the request waits for each."""
    FAN_OUT = "fan_out"
    """Most begin before another has ended: the database has many at once."""


@dataclass(slots=True)
class Finding:
    """A query that the span `caller` repeats while it serves `route`.

    `traces` counts the requests that did. `calls`, `seconds` (all calls together) and `trace_id`, in hexadecimal, are
    those of the latest, `most_calls` the most of any. `first_seen` and `last_seen` are Unix time.
    """

    fingerprint: str
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


class Findings:
    """All findings within a limit, that seen last at the end; `evicted` counts those that made room."""

    def __init__(self, most: int) -> None:
        self.evicted = 0
        self._most = most
        self._findings: OrderedDict[str, Finding] = OrderedDict()

    def configure(self, most: int) -> None:
        """Take another limit."""
        self._most = most
        self._make_room()

    def add(self, group: CallGroup, query: Query, kind: Kind, calls: int, seconds: float, now: float) -> Finding:
        """Take note that `calls` of `query` were found in a trace, at Unix time `now`."""
        parts = (kind.value, group.root.service, group.root.route, group.caller, query.fingerprint)
        fingerprint = digest(parts)
        finding = self._findings.get(fingerprint)
        if finding is None:
            finding = Finding(fingerprint, kind, *group.root, group.caller, query, first_seen=now)
            self._findings[fingerprint] = finding
            self._make_room()
        self._findings.move_to_end(fingerprint)
        finding.traces += 1
        finding.calls, finding.most_calls = calls, max(finding.most_calls, calls)
        finding.seconds, finding.trace_id, finding.last_seen = seconds, group.trace_id.hex(), now
        return finding

    def newest(self) -> Iterator[Finding]:
        """Yield all findings, that seen last first."""
        return reversed(self._findings.values())

    def get(self, fingerprint: str) -> Finding | None:
        """Return a finding."""
        return self._findings.get(fingerprint)

    def _make_room(self) -> None:
        while len(self._findings) > self._most:
            self._findings.popitem(last=False)
            self.evicted += 1
