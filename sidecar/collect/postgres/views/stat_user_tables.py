"""Counters of the biggest tables of a database, from pg_stat_user_tables, which waits for no lock."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.tables import of_biggest_tables
from sidecar.collect.postgres.view import Row, Schedule, Server, View, one, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# date_part is float8 on every version, where EXTRACT computes a numeric for each row.
SQL = """
SELECT current_database() AS datname, schemaname::text AS schemaname, relname::text AS relname,
       seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd,
       n_live_tup, n_dead_tup, n_mod_since_analyze,
       COALESCE(date_part('epoch', last_vacuum), 0) AS last_vacuum,
       COALESCE(date_part('epoch', last_autovacuum), 0) AS last_autovacuum,
       COALESCE(date_part('epoch', last_analyze), 0) AS last_analyze,
       COALESCE(date_part('epoch', last_autoanalyze), 0) AS last_autoanalyze,
       vacuum_count, autovacuum_count, analyze_count, autoanalyze_count,
       (SELECT max(found) FROM biggest) AS found
  FROM pg_catalog.pg_stat_user_tables
 WHERE relid = ANY (ARRAY(SELECT oid FROM biggest))
"""

LABELS = ("datname", "schemaname", "relname")


def _counter(column: str, text: str) -> Family:
    return Family(f"pg_stat_user_tables_{column}", MetricType.COUNTER, text, LABELS)


def _gauge(column: str, text: str) -> Family:
    return Family(f"pg_stat_user_tables_{column}", MetricType.GAUGE, text, LABELS)


FAMILIES = {
    "seq_scan": _counter("seq_scan", "Sequential scans of the table."),
    "seq_tup_read": _counter("seq_tup_read", "Live rows read by sequential scans."),
    "idx_scan": _counter("idx_scan", "Scans of the table's indexes; absent without an index."),
    "idx_tup_fetch": _counter("idx_tup_fetch", "Live rows fetched through indexes; absent without an index."),
    "n_tup_ins": _counter("n_tup_ins", "Rows inserted."),
    "n_tup_upd": _counter("n_tup_upd", "Rows updated."),
    "n_tup_del": _counter("n_tup_del", "Rows deleted."),
    "n_tup_hot_upd": _counter("n_tup_hot_upd", "Rows updated without a new entry in an index."),
    "n_live_tup": _gauge("n_live_tup", "Live rows, estimated."),
    "n_dead_tup": _gauge("n_dead_tup", "Dead rows, estimated."),
    "n_mod_since_analyze": _gauge("n_mod_since_analyze", "Rows changed since the last ANALYZE, estimated."),
    "last_vacuum": _gauge("last_vacuum", "When somebody last vacuumed the table, Unix time; 0: never."),
    "last_autovacuum": _gauge("last_autovacuum", "When autovacuum last vacuumed the table, Unix time; 0: never."),
    "last_analyze": _gauge("last_analyze", "When somebody last analyzed the table, Unix time; 0: never."),
    "last_autoanalyze": _gauge("last_autoanalyze", "When autovacuum last analyzed the table, Unix time; 0: never."),
    "vacuum_count": _counter("vacuum_count", "Times somebody vacuumed the table; not VACUUM FULL."),
    "autovacuum_count": _counter("autovacuum_count", "Times autovacuum vacuumed the table."),
    "analyze_count": _counter("analyze_count", "Times somebody analyzed the table."),
    "autoanalyze_count": _counter("autoanalyze_count", "Times autovacuum analyzed the table."),
}
LEFT_OUT = Family(
    "sidecar_pg_tables_left_out",
    MetricType.GAUGE,
    "Tables of the database that are not shown because `tables.max` is reached.",
    ("datname",),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per table and family, and how many tables are left out."""
    yield from per_column(rows, FAMILIES, LABELS)
    for row in rows[:1]:
        yield from one(LEFT_OUT, row["found"] - len(rows), (("datname", row["datname"]),))


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql=of_biggest_tables(SQL, config.tables))


VIEW = View(
    name="stat_user_tables",
    sql=of_biggest_tables(SQL),
    families=(*FAMILIES.values(), LEFT_OUT),
    convert=convert,
    limited=True,
    schedule=Schedule(per_database=True),
    adapt=_adapt,
)
