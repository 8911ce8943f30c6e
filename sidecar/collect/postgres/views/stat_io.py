"""Input and output by kind of process, from pg_stat_io."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

LABELS = ("backend_type", "object", "context")

# Postgres 18 has about 80 combinations, most of which never do anything: only those that ever did are asked for.
# Times are 0 unless they are taken: then they are unknown.
_SELECT = """
SELECT backend_type, object, context, reads, writes, writebacks, extends, hits, evictions, reuses, fsyncs,
       {bytes},
       {times}
  FROM pg_catalog.pg_stat_io
 WHERE COALESCE(reads, 0) + COALESCE(writes, 0) + COALESCE(writebacks, 0) + COALESCE(extends, 0) + COALESCE(hits, 0)
         + COALESCE(evictions, 0) + COALESCE(reuses, 0) + COALESCE(fsyncs, 0) > 0
"""
_TIME = "CASE WHEN current_setting({setting})::bool THEN {operation}_time / 1000.0::float8 END AS {operation}_seconds"
_TIMED = ("read", "write", "writeback", "extend", "fsync")
_SIZED = ("read", "write", "extend")

SQL_16 = _SELECT.format(
    bytes=", ".join(f"({operation}s * op_bytes)::float8 AS {operation}_bytes" for operation in _SIZED),
    times=",\n       ".join(_TIME.format(setting="'track_io_timing'", operation=operation) for operation in _TIMED),
)
_SETTING_18 = "CASE object WHEN 'wal' THEN 'track_wal_io_timing' ELSE 'track_io_timing' END"
SQL_18 = _SELECT.format(
    bytes=", ".join(f"{operation}_bytes::float8 AS {operation}_bytes" for operation in _SIZED),
    times=",\n       ".join(_TIME.format(setting=_SETTING_18, operation=operation) for operation in _TIMED),
)


def _counter(name: str, text: str) -> Family:
    return Family(f"sidecar_pg_io_{name}_total", MetricType.COUNTER, text, LABELS)


FAMILIES = {
    "reads": _counter("reads", "Reads from disk or the operating system's cache."),
    "read_bytes": _counter("read_bytes", "Bytes read."),
    "read_seconds": _counter("read_seconds", "Time reading, if the server takes it (track_io_timing)."),
    "writes": _counter("writes", "Writes."),
    "write_bytes": _counter("write_bytes", "Bytes written."),
    "write_seconds": _counter("write_seconds", "Time writing, if the server takes it (track_io_timing)."),
    "writebacks": _counter("writebacks", "Blocks that the operating system was asked to bring to disk."),
    "writeback_seconds": _counter("writeback_seconds", "Time of these requests, if the server takes it."),
    "extends": _counter("extends", "Times a file was made longer."),
    "extend_bytes": _counter("extend_bytes", "Bytes by which files were made longer."),
    "extend_seconds": _counter("extend_seconds", "Time making files longer, if the server takes it."),
    "hits": _counter("hits", "Blocks found in shared buffers."),
    "evictions": _counter("evictions", "Blocks that had to leave a buffer for another block."),
    "reuses": _counter("reuses", "Buffers of a ring taken again for a bulk operation or a vacuum."),
    "fsyncs": _counter("fsyncs", "Syncs; those of tables are the checkpointer's unless it falls behind."),
    "fsync_seconds": _counter("fsync_seconds", "Time syncing, if the server takes it (track_io_timing)."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the counters of each combination that ever did something."""
    return per_column(rows, FAMILIES, LABELS)


VIEW = View(name="stat_io", sql={160000: SQL_16, 180000: SQL_18}, families=tuple(FAMILIES.values()), convert=convert)
