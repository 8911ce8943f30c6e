"""Counters of each database, from pg_stat_database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

_SELECT = """
SELECT datid::text AS datid, datname,
       numbackends::int8 AS numbackends, xact_commit, xact_rollback, blks_read, blks_hit,
       tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted,
       conflicts, temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time,
       COALESCE(EXTRACT(EPOCH FROM stats_reset), 0)::float8 AS stats_reset{more}
  FROM pg_catalog.pg_stat_database
 WHERE datname IS NOT NULL
"""
_ACTIVE = ",\n       active_time / 1000.0::float8 AS active_time_seconds_total"
_CHECKSUMS = """,
       checksum_failures, EXTRACT(EPOCH FROM checksum_last_failure)::float8 AS checksum_last_failure"""
_SESSIONS = """,
       session_time, active_time, idle_in_transaction_time,
       sessions, sessions_abandoned, sessions_fatal, sessions_killed"""

SQL = {90200: _SELECT.format(more=""), 140000: _SELECT.format(more=_ACTIVE)}
SQL_WITH_OLD_NAMES = {
    90200: _SELECT.format(more=""),
    120000: _SELECT.format(more=_CHECKSUMS),
    140000: _SELECT.format(more=_ACTIVE + _CHECKSUMS + _SESSIONS),
}

LABELS = ("datid", "datname")


def _counter(column: str, text: str) -> Family:
    return Family(f"pg_stat_database_{column}", MetricType.COUNTER, text, LABELS)


FAMILIES = {
    "numbackends": Family(
        "pg_stat_database_numbackends", MetricType.GAUGE, "Server processes connected to the database now.", LABELS
    ),
    "xact_commit": _counter("xact_commit", "Transactions committed."),
    "xact_rollback": _counter("xact_rollback", "Transactions rolled back."),
    "blks_read": _counter("blks_read", "Blocks asked from the operating system; its cache may have had them."),
    "blks_hit": _counter("blks_hit", "Blocks found in shared buffers."),
    "tup_returned": _counter("tup_returned", "Live rows read by sequential scans and index entries by index scans."),
    "tup_fetched": _counter("tup_fetched", "Live rows fetched through indexes."),
    "tup_inserted": _counter("tup_inserted", "Rows inserted."),
    "tup_updated": _counter("tup_updated", "Rows updated."),
    "tup_deleted": _counter("tup_deleted", "Rows deleted."),
    "conflicts": _counter("conflicts", "Queries cancelled because of recovery; on a replica only."),
    "temp_files": _counter("temp_files", "Temporary files made by queries, whatever for."),
    "temp_bytes": _counter("temp_bytes", "Bytes written to temporary files."),
    "deadlocks": _counter("deadlocks", "Deadlocks found."),
    "blk_read_time": _counter(
        "blk_read_time", "Time reading blocks in MILLISECONDS; 0 unless the server has track_io_timing on."
    ),
    "blk_write_time": _counter(
        "blk_write_time", "Time writing blocks in MILLISECONDS; 0 unless the server has track_io_timing on."
    ),
    "stats_reset": _counter("stats_reset", "When these counters were last set to zero, Unix time; 0: never."),
    "active_time_seconds_total": _counter(
        "active_time_seconds_total", "Time sessions spent executing statements, from Postgres 14 on."
    ),
}


def _old(column: str, text: str) -> Family:
    return Family(f"pg_stat_database_{column}", MetricType.UNTYPED, f"{text} Only with `compat_aliases`.", LABELS)


OLD_FAMILIES = {
    "session_time": _old("session_time", "Time of sessions in MILLISECONDS, idle ones included."),
    "active_time": _old("active_time", "Time sessions spent executing statements, in MILLISECONDS."),
    "idle_in_transaction_time": _old(
        "idle_in_transaction_time", "Time sessions were idle in a transaction, in MILLISECONDS."
    ),
    "sessions": _old("sessions", "Sessions begun."),
    "sessions_abandoned": _old("sessions_abandoned", "Sessions that ended because the client was gone."),
    "sessions_fatal": _old("sessions_fatal", "Sessions ended by fatal errors."),
    "sessions_killed": _old("sessions_killed", "Sessions ended by an operator."),
    "checksum_failures": _old("checksum_failures", "Pages whose checksum was wrong; absent without data checksums."),
    "checksum_last_failure": _old(
        "checksum_last_failure", "When a page's checksum was last found wrong, Unix time; absent until there was one."
    ),
}
"""What postgres_exporter 0.11 and older made of the columns that later ones do not ask for."""


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per database and family; the row of shared objects has no database and is not asked for."""
    return per_column(rows, FAMILIES | OLD_FAMILIES, LABELS)


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql=SQL_WITH_OLD_NAMES) if config.compat_aliases else VIEW


VIEW = View(
    name="stat_database",
    sql=SQL,
    families=(*FAMILIES.values(), *OLD_FAMILIES.values()),
    convert=convert,
    preset=Preset.MINIMAL,
    adapt=_adapt,
)
