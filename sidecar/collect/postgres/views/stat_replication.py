"""What the server sends to its replicas, from pg_stat_replication."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.collect.postgres.wal_position import WAL_LSN
from sidecar.model.family import Family, FamilySamples, MetricType

_SELECT = """
SELECT r.application_name, r.client_addr::text AS client_addr, r.state, s.slot_name, r.pid,
       (position.lsn - '0/0')::int8 AS pg_current_wal_lsn_bytes,
       (position.lsn - r.replay_lsn)::int8 AS pg_wal_lsn_diff
  FROM pg_catalog.pg_stat_replication r
  LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid,
       (SELECT {position} AS lsn) AS position
"""
SQL = _SELECT.format(position=WAL_LSN)

LABELS = ("application_name", "client_addr", "state", "slot_name", "pid")

FAMILIES = {
    "pg_current_wal_lsn_bytes": Family(
        "pg_stat_replication_pg_current_wal_lsn_bytes",
        MetricType.GAUGE,
        "Position in the WAL that the server has written, or received as a replica.",
        LABELS,
    ),
    "pg_wal_lsn_diff": Family(
        "pg_stat_replication_pg_wal_lsn_diff",
        MetricType.GAUGE,
        "Bytes of WAL that the replica has not replayed yet.",
        LABELS,
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both gauges of each replica; without pg_monitor nothing but its process is known, and it is left out."""
    return per_column([row for row in rows if row["state"] is not None], FAMILIES, LABELS)


VIEW = View(name="stat_replication", sql={100000: SQL}, families=tuple(FAMILIES.values()), convert=convert)
