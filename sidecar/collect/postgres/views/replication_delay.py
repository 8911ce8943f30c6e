"""How many seconds each replica is behind, as its primary sees it."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# The server forgets a delay when nothing is written for a while; a replica that has all that was sent is not behind.
# Several alike by their labels show the one furthest behind.
_DELAY = """max(EXTRACT(EPOCH FROM COALESCE(r.{kind}_lag,
           CASE WHEN r.state = 'streaming' AND r.{kind}_lsn >= r.sent_lsn THEN interval '0' END)))::float8"""
_SELECT = """
SELECT r.application_name, host(r.client_addr) AS client_addr, s.slot_name,
       {write} AS write_seconds,
       {flush} AS flush_seconds,
       {replay} AS replay_seconds
  FROM pg_catalog.pg_stat_replication r
  LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
 GROUP BY 1, 2, 3
"""
SQL = _SELECT.format(**{kind: _DELAY.format(kind=kind) for kind in ("write", "flush", "replay")})

LABELS = ("application_name", "client_addr", "slot_name")


def _delay(kind: str, text: str) -> Family:
    return Family(f"sidecar_pg_replication_{kind}_lag_seconds", MetricType.GAUGE, text, LABELS)


FAMILIES = {
    "write_seconds": _delay("write", "Seconds until WAL just written here is written by the replica."),
    "flush_seconds": _delay("flush", "Seconds until WAL just written here is safe on the replica's disk."),
    "replay_seconds": _delay("replay", "Seconds until WAL just written here can be seen by queries on the replica."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the delays of each replica; one that has not told its delay yet has none."""
    return per_column(rows, FAMILIES, LABELS)


VIEW = View(name="replication_delay", sql={100000: SQL}, families=tuple(FAMILIES.values()), convert=convert)
