"""What active sessions wait for, by type and by event."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

# Senders of WAL are always active. Our own session is not one to be watched.
SQL = """
SELECT COALESCE(wait_event_type, 'none') AS wait_event_type, COALESCE(wait_event, '') AS wait_event,
       count(*)::int8 AS sessions
  FROM pg_catalog.pg_stat_activity
 WHERE state = 'active' AND backend_type <> 'walsender' AND pid <> pg_backend_pid()
 GROUP BY 1, 2
"""

TYPES = ("none", "BufferPin", "Client", "Extension", "IO", "IPC", "Lock", "LWLock", "Timeout")
"""What a session that executes a statement may wait for; `none`: it runs."""

MAX_EVENTS = 30
"""Extensions bring events of their own, so that there is no end of them."""

ACTIVE = Family(
    "sidecar_pg_active_sessions",
    MetricType.GAUGE,
    "Sessions that execute a statement, by what they wait for; `none`: they run.",
    ("wait_event_type",),
)
EVENTS = Family(
    "sidecar_pg_wait_event_sessions",
    MetricType.GAUGE,
    f"Sessions that execute a statement and wait, by event; over {MAX_EVENTS} the rarest count as `other`.",
    ("wait_event_type", "wait_event"),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both families, zeros for the known types; nothing for a role that does not see who waits."""
    if not server.can_monitor:
        return
    types = Counter(dict.fromkeys(TYPES, 0))
    events: Counter[tuple[str, str]] = Counter()
    for row in rows:
        types[row["wait_event_type"]] += row["sessions"]
        if row["wait_event"]:
            events[row["wait_event_type"], row["wait_event"]] += row["sessions"]
    yield FamilySamples(
        ACTIVE, [Sample(ACTIVE.name, (("wait_event_type", kind),), float(count)) for kind, count in types.items()]
    )
    yield FamilySamples(EVENTS, list(_of_events(events)))


def _of_events(events: Counter[tuple[str, str]]) -> Iterable[Sample]:
    shown = dict(sorted(events.items(), key=lambda event: (-event[1], event[0]))[:MAX_EVENTS])
    rest = events.total() - sum(shown.values())
    if rest:
        shown["", "other"] = rest
    for (kind, event), count in shown.items():
        yield Sample(EVENTS.name, labels_of({"wait_event_type": kind, "wait_event": event}), float(count))


VIEW = View(name="waits", sql={100000: SQL}, families=(ACTIVE, EVENTS), convert=convert)
