"""Blocks of the biggest tables of a database read and found in memory, from pg_statio_user_tables."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.tables import of_biggest_tables
from sidecar.collect.postgres.view import Row, Schedule, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT current_database() AS datname, schemaname::text AS schemaname, relname::text AS relname,
       heap_blks_read, heap_blks_hit, idx_blks_read::int8 AS idx_blks_read, idx_blks_hit::int8 AS idx_blks_hit,
       toast_blks_read, toast_blks_hit, tidx_blks_read::int8 AS tidx_blks_read, tidx_blks_hit::int8 AS tidx_blks_hit
  FROM pg_catalog.pg_statio_user_tables
 WHERE relid = ANY (ARRAY(SELECT oid FROM biggest))
"""

LABELS = ("datname", "schemaname", "relname")
PARTS = {
    "heap": "the table",
    "idx": "the table's indexes",
    "toast": "what the table stores out of line",
    "tidx": "the index of what the table stores out of line",
}


def _counters(part: str, whose: str) -> dict[str, Family]:
    read = f"Blocks of {whose} asked from the operating system; its cache may have had them."
    hit = f"Blocks of {whose} found in shared buffers."
    return {
        f"{part}_blks_{what}": Family(f"pg_statio_user_tables_{part}_blocks_{what}", MetricType.COUNTER, text, LABELS)
        for what, text in (("read", read), ("hit", hit))
    }


FAMILIES = {column: family for part, whose in PARTS.items() for column, family in _counters(part, whose).items()}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per table and family; a part that the table does not have has none."""
    return per_column(rows, FAMILIES, LABELS)


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql=of_biggest_tables(SQL, config.tables))


VIEW = View(
    name="statio_user_tables",
    sql=of_biggest_tables(SQL),
    families=tuple(FAMILIES.values()),
    convert=convert,
    limited=True,
    schedule=Schedule(per_database=True),
    adapt=_adapt,
)
