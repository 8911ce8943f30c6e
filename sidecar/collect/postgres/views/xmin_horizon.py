"""What keeps dead rows from being removed, and how old it is."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

# A vacuum at work has a snapshot that holds nothing back; a slot that is lost holds nothing either. A sender of WAL
# holds what a replica without a slot asked for by hot_standby_feedback.
SQL = """
SELECT 'transaction' AS holder, max(GREATEST(age(a.backend_xmin), age(a.backend_xid)))::int8 AS age
  FROM pg_catalog.pg_stat_activity a
 WHERE a.backend_type <> 'walsender' AND a.pid <> pg_backend_pid()
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = a.pid)
UNION ALL
SELECT 'standby', max(age(backend_xmin))::int8 FROM pg_catalog.pg_stat_replication
UNION ALL
SELECT 'prepared_transaction', max(age(transaction))::int8 FROM pg_catalog.pg_prepared_xacts
UNION ALL
SELECT 'slot', max(age(xmin))::int8 FROM pg_catalog.pg_replication_slots WHERE wal_status IS DISTINCT FROM 'lost'
UNION ALL
SELECT 'slot_catalog', max(age(catalog_xmin))::int8
  FROM pg_catalog.pg_replication_slots WHERE wal_status IS DISTINCT FROM 'lost'
"""

NEED_MONITOR = ("transaction", "standby")
"""Holders that a plain role does not see."""

AGE = Family(
    "sidecar_pg_xmin_age_transactions",
    MetricType.GAUGE,
    "Transactions begun since the oldest that dead rows are kept for, by who holds it: an open transaction, a standby "
    "by hot_standby_feedback, a prepared transaction, a replication slot, one with catalog rows only; 0: nobody.",
    ("holder",),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the age by holder, 0 where there is none; what the role does not see is left out."""
    seen = [row for row in rows if server.can_monitor or row["holder"] not in NEED_MONITOR]
    samples = [Sample(AGE.name, labels_of({"holder": row["holder"]}), float(row["age"] or 0)) for row in seen]
    yield FamilySamples(AGE, samples)


VIEW = View(name="xmin_horizon", sql={130000: SQL}, families=(AGE,), convert=convert)
