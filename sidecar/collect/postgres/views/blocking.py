"""Who waits for whose lock: chains of sessions that block each other."""

from collections.abc import Iterable, Mapping, Sequence

from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

MAX_ASKED = 100
"""Sessions asked whom they wait for. Each asking holds the locks of the lock table for a moment, and sessions in one
queue wait for all before them."""

# Only sessions that wait are asked for their blockers: when nobody waits, nothing is. The planner calls neither
# pg_blocking_pids nor, as a subquery per waiting session, pg_locks for the row of a database without any.
_SELECT = """
SELECT d.datname, w.pid, w.seconds,
       CASE WHEN w.place <= {max_asked} THEN pg_blocking_pids(w.asked) END AS blockers
  FROM pg_catalog.pg_database d
  LEFT JOIN (SELECT datid, pid, asked, seconds, row_number() OVER (ORDER BY seconds DESC NULLS LAST) AS place
               FROM (SELECT a.datid, COALESCE(a.leader_pid, a.pid) AS pid, a.pid AS asked,
                            EXTRACT(EPOCH FROM clock_timestamp() - {since})::float8 AS seconds
                       FROM pg_catalog.pg_stat_activity a
                      WHERE a.wait_event_type = 'Lock') waiting) w ON w.datid = d.oid
 WHERE d.datallowconn
"""
SQL = _SELECT.format(max_asked=MAX_ASKED, since="a.query_start")
SQL_14 = _SELECT.format(
    max_asked=MAX_ASKED,
    since="(SELECT min(l.waitstart) FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted)",
)

LABELS = ("datname",)
BLOCKED = Family(
    "sidecar_pg_blocked_sessions", MetricType.GAUGE, "Sessions of the database that wait for a lock of another.", LABELS
)
ROOTS = Family(
    "sidecar_pg_root_blockers",
    MetricType.GAUGE,
    "Sessions, and prepared transactions together as one, that sessions of the database wait for in the end: "
    f"they themselves wait for no lock. Looked for behind the {MAX_ASKED} sessions that wait longest.",
    LABELS,
)
LONGEST = Family(
    "sidecar_pg_blocked_longest_seconds",
    MetricType.GAUGE,
    "How long a session of the database has waited for a lock, the longest; 0: none waits. "
    "On Postgres 13 counted from the start of its statement.",
    LABELS,
)
CHAIN = Family(
    "sidecar_pg_blocking_chain_sessions",
    MetricType.GAUGE,
    "Sessions in the longest chain in which each waits for the one before; the first one's blocker is not counted.",
    LABELS,
)

FAMILIES = (BLOCKED, ROOTS, LONGEST, CHAIN)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the four families for every database; nothing for a role that does not see who waits."""
    if not server.can_monitor:
        return
    waiting = [row for row in rows if row["pid"] is not None]
    chains = _Chains({row["pid"]: row["blockers"] or () for row in waiting})
    samples: dict[Family, list[Sample]] = {family: [] for family in FAMILIES}
    for datname in sorted({row["datname"] for row in rows}):
        values = _values_of([row for row in waiting if row["datname"] == datname], chains)
        for family, value in zip(FAMILIES, values, strict=True):
            samples[family].append(Sample(family.name, labels_of({"datname": datname}), float(value)))
    yield from (FamilySamples(family, of_family) for family, of_family in samples.items())


def _values_of(waiting: Sequence[Row], chains: "_Chains") -> tuple[float, ...]:
    """Return one value per family for the sessions of one database that wait."""
    pids = {row["pid"] for row in waiting}
    longest = max((row["seconds"] or 0.0 for row in waiting), default=0.0)
    return len(pids), len(chains.roots(pids)), longest, max(map(chains.length, pids), default=0)


class _Chains:
    """Walks from waiting sessions to those that they wait for; a deadlock not yet found ends a walk."""

    def __init__(self, blockers: Mapping[int, Sequence[int]]) -> None:
        self._blockers = blockers
        self._lengths: dict[int, int] = {}

    def roots(self, pids: Iterable[int]) -> set[int]:
        """Return who is waited for from `pids` on and waits for nobody."""
        seen = set(pids)
        left = list(seen)
        while left:
            new = set(self._blockers.get(left.pop(), ())) - seen
            seen |= new
            left += new
        return seen - self._blockers.keys()

    def length(self, pid: int) -> int:
        """Return how many sessions wait in a row up to `pid`."""
        if pid not in self._blockers:
            return 0
        if pid not in self._lengths:
            self._lengths[pid] = 0  # met again on this walk, it closes a circle
            self._lengths[pid] = 1 + max(map(self.length, self._blockers[pid]), default=0)
        return self._lengths[pid]


VIEW = View(name="blocking", sql={130000: SQL, 140000: SQL_14}, families=FAMILIES, convert=convert)
