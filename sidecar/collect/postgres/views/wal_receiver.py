"""Whether a replica is connected to its primary: its lag alone reads 0 when it is cut off."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType
from sidecar.model.labels import labels_of

# One row on a replica, none on a primary. A server that recovers from an archive alone expects no receiver; who may
# not see primary_conninfo takes it that one is expected.
SQL = """
SELECT r.pid IS NOT NULL AS is_up, r.status,
       EXTRACT(EPOCH FROM clock_timestamp() - r.last_msg_receipt_time)::float8 AS age_seconds,
       COALESCE((SELECT setting <> '' FROM pg_catalog.pg_settings WHERE name = 'primary_conninfo'), true) AS is_expected
  FROM (SELECT 1) always
  LEFT JOIN pg_catalog.pg_stat_wal_receiver r ON true
 WHERE pg_is_in_recovery()
"""

UP = Family(
    "sidecar_pg_wal_receiver_up",
    MetricType.GAUGE,
    "1 if the process that receives WAL is there, 0 if it is not: the replica is cut off. On replicas only.",
)
STATE = Family(
    "sidecar_pg_wal_receiver_state",
    MetricType.GAUGE,
    "1 for the state the receiver of WAL is in; needs pg_monitor.",
    ("state",),
)
AGE = Family(
    "sidecar_pg_wal_receiver_last_message_age_seconds",
    MetricType.GAUGE,
    "Seconds since the primary last sent anything; it grows while the line is silent; needs pg_monitor.",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the receiver's state on a server that should have one."""
    for row in rows:
        if row["is_up"] or row["is_expected"]:
            yield from one(UP, float(row["is_up"]))
        if row["status"]:
            yield from one(STATE, 1.0, labels_of({"state": row["status"]}))
        yield from one(AGE, row["age_seconds"])


VIEW = View(name="wal_receiver", sql={100000: SQL}, families=(UP, STATE, AGE), convert=convert)
