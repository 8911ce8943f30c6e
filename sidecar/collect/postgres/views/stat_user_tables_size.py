"""Sizes of the biggest tables of a database: seldom, because the server looks at every file and waits for locks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.tables import of_biggest_tables
from sidecar.collect.postgres.view import Limits, Row, Schedule, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# A table that somebody has locked, or waits to lock, against all others would make us wait, and no size be known.
SQL = """
SELECT current_database() AS datname, n.nspname::text AS schemaname, c.relname::text AS relname,
       pg_indexes_size(c.oid) AS index_size_bytes, pg_table_size(c.oid) AS table_size_bytes
  FROM biggest
  JOIN pg_catalog.pg_class c ON c.oid = biggest.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid <> ALL (ARRAY(
       SELECT COALESCE(i.indrelid, l.relation)
         FROM pg_catalog.pg_locks l
         LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
        WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
          AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))
"""

LABELS = ("datname", "schemaname", "relname")

FAMILIES = {
    "index_size_bytes": Family(
        "pg_stat_user_tables_index_size_bytes",
        MetricType.GAUGE,
        "Disk space of the table's indexes in bytes; absent as the table's.",
        LABELS,
    ),
    "table_size_bytes": Family(
        "pg_stat_user_tables_table_size_bytes",
        MetricType.GAUGE,
        "Disk space of the table in bytes, with what is stored out of line and without indexes; absent if it was "
        "locked ACCESS EXCLUSIVE when its size was due.",
        LABELS,
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both sizes of each table; one that was locked, or dropped meanwhile, has none."""
    return per_column(rows, FAMILIES, LABELS)


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql=of_biggest_tables(SQL, config.tables))


VIEW = View(
    name="stat_user_tables_size",
    sql=of_biggest_tables(SQL),
    families=tuple(FAMILIES.values()),
    convert=convert,
    limited=True,
    schedule=Schedule(per_database=True, every_seconds=300.0, slow=True),
    limits=Limits(lock_seconds=0.1),
    adapt=_adapt,
)
