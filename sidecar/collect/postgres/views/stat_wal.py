"""WAL written, from pg_stat_wal, with the counters that Postgres 18 moved elsewhere."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# Times are 0 unless they are taken: then they are unknown.
_SELECT = """
SELECT w.wal_records, w.wal_fpi, w.wal_bytes::float8 AS wal_bytes, w.wal_buffers_full,
       {writes}::int8 AS writes, {syncs}::int8 AS syncs,
       CASE WHEN current_setting('track_wal_io_timing')::bool THEN {write_time} / 1000.0::float8 END AS write_seconds,
       CASE WHEN current_setting('track_wal_io_timing')::bool THEN {sync_time} / 1000.0::float8 END AS sync_seconds
  FROM pg_catalog.pg_stat_wal w{more}
"""
SQL_14 = _SELECT.format(
    writes="w.wal_write", syncs="w.wal_sync", write_time="w.wal_write_time", sync_time="w.wal_sync_time", more=""
)
SQL_18 = _SELECT.format(
    writes="i.writes",
    syncs="i.fsyncs",
    write_time="i.write_time",
    sync_time="i.fsync_time",
    more=""",
       (SELECT sum(writes) AS writes, sum(fsyncs) AS fsyncs,
               sum(write_time) AS write_time, sum(fsync_time) AS fsync_time
          FROM pg_catalog.pg_stat_io WHERE object = 'wal' AND context = 'normal') i""",
)


def _counter(name: str, text: str) -> Family:
    return Family(f"sidecar_pg_wal_{name}_total", MetricType.COUNTER, text)


FAMILIES = {
    "wal_records": _counter("records", "Records written to WAL."),
    "wal_fpi": _counter("full_page_images", "Whole pages written to WAL, the first time after a checkpoint."),
    "wal_bytes": _counter("bytes", "Bytes of WAL made."),
    "wal_buffers_full": _counter("buffers_full", "Times WAL was written to disk because its buffers were full."),
    "writes": _counter("writes", "Writes of WAL buffers to disk; from Postgres 18 on taken from pg_stat_io."),
    "syncs": _counter("syncs", "Syncs of WAL files; from Postgres 18 on taken from pg_stat_io."),
    "write_seconds": _counter("write_seconds", "Time writing WAL, if the server has track_wal_io_timing on."),
    "sync_seconds": _counter("sync_seconds", "Time syncing WAL, if the server has track_wal_io_timing on."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the counters, the same ones on every version."""
    return per_column(rows, FAMILIES)


VIEW = View(name="stat_wal", sql={140000: SQL_14, 180000: SQL_18}, families=tuple(FAMILIES.values()), convert=convert)
