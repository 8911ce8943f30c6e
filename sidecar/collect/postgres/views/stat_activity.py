"""Sessions by database and state, from pg_stat_activity."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View, text_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

# The outer join keeps databases without a session: for them all states are zero.
SQL = """
SELECT d.datname, a.state, a.usename, a.application_name, a.backend_type,
       a.wait_event_type, a.wait_event,
       count(a.pid)::int8 AS sessions,
       max(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start))::float8 AS longest_seconds
  FROM pg_catalog.pg_database d
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.datid = d.oid
 GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

LABELS = ("datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event")
STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)

COUNT = Family(
    "pg_stat_activity_count",
    MetricType.GAUGE,
    "Sessions by database and state. Without pg_monitor the state of others is unknown, and no label says it.",
    LABELS,
)
LONGEST = Family(
    "pg_stat_activity_max_tx_duration",
    MetricType.GAUGE,
    "Age in seconds of the oldest open transaction in this group; 0: none is open.",
    LABELS,
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the groups of sessions, and a zero for each state that no session of a database is in.

    A role that does not see the states of others gets their sessions without a state, and neither zeros nor ages:
    it cannot know them.
    """
    counts: dict[Labels, float] = {}
    ages: dict[Labels, float] = {}
    for row in rows:
        if row["state"] or (row["sessions"] and not server.can_monitor):
            labels = labels_of((name, text_of(row[name])) for name in LABELS)
            counts[labels] = float(row["sessions"])
            if row["state"]:
                ages[labels] = float(row["longest_seconds"] or 0.0)
    if server.can_monitor:
        zeros = dict.fromkeys(_missing_states(rows), 0.0)
        counts, ages = counts | zeros, ages | zeros
    yield FamilySamples(COUNT, [Sample(COUNT.name, labels, value) for labels, value in counts.items()])
    yield FamilySamples(LONGEST, [Sample(LONGEST.name, labels, value) for labels, value in ages.items()])


def _missing_states(rows: Sequence[Row]) -> Iterable[Labels]:
    seen = {(row["datname"], row["state"]) for row in rows}
    for datname in sorted({row["datname"] for row in rows}):
        for state in STATES:
            if (datname, state) not in seen:
                yield (("datname", datname), ("state", state))


VIEW = View(name="stat_activity", sql={100000: SQL}, families=(COUNT, LONGEST), convert=convert, preset=Preset.MINIMAL)
