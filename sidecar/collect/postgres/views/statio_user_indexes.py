"""Blocks of the biggest tables' indexes read and found in memory, from pg_statio_user_indexes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.tables import of_biggest_tables
from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT schemaname::text AS schemaname, relname::text AS relname, indexrelname::text AS indexrelname,
       idx_blks_read, idx_blks_hit
  FROM pg_catalog.pg_statio_user_indexes
 WHERE relid = ANY (ARRAY(SELECT oid FROM biggest))
"""

LABELS = ("schemaname", "relname", "indexrelname")

FAMILIES = {
    "idx_blks_read": Family(
        "pg_statio_user_indexes_idx_blks_read_total",
        MetricType.COUNTER,
        "Blocks of the index asked from the operating system. No label says the database: it is the DSN's.",
        LABELS,
    ),
    "idx_blks_hit": Family(
        "pg_statio_user_indexes_idx_blks_hit_total",
        MetricType.COUNTER,
        "Blocks of the index found in shared buffers. No label says the database: it is the DSN's.",
        LABELS,
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both counters of each index."""
    return per_column(rows, FAMILIES, LABELS)


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql=of_biggest_tables(SQL, config.tables))


VIEW = View(
    name="statio_user_indexes",
    sql=of_biggest_tables(SQL),
    families=tuple(FAMILIES.values()),
    convert=convert,
    limited=True,
    preset=Preset.FULL,
    adapt=_adapt,
)
