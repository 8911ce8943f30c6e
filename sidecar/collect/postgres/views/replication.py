"""Whether the server is a replica and how far behind it replays."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT pg_is_in_recovery() AS is_replica,
       pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AS caught_up,
       GREATEST(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 AS since_replay,
       pg_last_xact_replay_timestamp() IS NOT NULL AS has_replayed
"""

IS_REPLICA = Family("pg_replication_is_replica", MetricType.GAUGE, "1 on a replica, 0 on a primary.")
LAG = Family(
    "pg_replication_lag_seconds",
    MetricType.GAUGE,
    "Seconds since the last replayed commit, 0 when all that was received is replayed: also when nothing is received.",
)
OLD_LAG = Family("pg_replication_lag", MetricType.GAUGE, "The same as pg_replication_lag_seconds, under its old name.")
LAST_REPLAY = Family(
    "pg_replication_last_replay_seconds",
    MetricType.GAUGE,
    "Seconds since the last replayed commit on a replica, 0 on a primary.",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return role and lag; a replica that has replayed nothing yet has no age of it."""
    for row in rows:
        is_replica = bool(row["is_replica"])
        replayed: float | None = float(row["since_replay"]) if row["has_replayed"] else None
        age = replayed if is_replica else 0.0
        lag = 0.0 if row["caught_up"] else age
        yield from one(IS_REPLICA, float(is_replica))
        yield from one(LAG, lag)
        yield from one(OLD_LAG, lag)
        yield from one(LAST_REPLAY, age)


VIEW = View(
    name="replication",
    sql={100000: SQL},
    families=(IS_REPLICA, LAG, OLD_LAG, LAST_REPLAY),
    convert=convert,
    preset=Preset.MINIMAL,
)
