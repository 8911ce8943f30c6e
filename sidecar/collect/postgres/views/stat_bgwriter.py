"""The background writer and checkpoints, with the counters that Postgres 17 moved elsewhere."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
       buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc,
       COALESCE(EXTRACT(EPOCH FROM stats_reset), 0)::float8 AS stats_reset
  FROM pg_catalog.pg_stat_bgwriter
"""

_SELECT_17 = """
SELECT c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req,
       c.write_time AS checkpoint_write_time, c.sync_time AS checkpoint_sync_time,
       c.buffers_written AS buffers_checkpoint, b.buffers_clean, b.maxwritten_clean, b.buffers_alloc,
       i.writes AS buffers_backend, i.fsyncs AS buffers_backend_fsync,
       COALESCE(EXTRACT(EPOCH FROM b.stats_reset), 0)::float8 AS stats_reset
  FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_checkpointer c,
       (SELECT (sum({blocks}))::int8 AS writes, sum(fsyncs)::int8 AS fsyncs
          FROM pg_catalog.pg_stat_io
         WHERE backend_type = 'client backend' AND object <> 'wal') i
"""
SQL_17 = _SELECT_17.format(blocks="writes")
# From 18 on one write may be of several blocks, and only the bytes tell how many.
SQL_18 = _SELECT_17.format(blocks="write_bytes / current_setting('block_size')::int8")


def _counter(column: str, text: str) -> Family:
    return Family(f"pg_stat_bgwriter_{column}_total", MetricType.COUNTER, text)


FAMILIES = {
    "checkpoints_timed": _counter("checkpoints_timed", "Checkpoints that were due by time."),
    "checkpoints_req": _counter("checkpoints_req", "Checkpoints that were asked for, by full WAL or by a command."),
    "checkpoint_write_time": _counter(
        "checkpoint_write_time", "Time checkpoints spent writing files, in MILLISECONDS."
    ),
    "checkpoint_sync_time": _counter("checkpoint_sync_time", "Time checkpoints spent syncing files, in MILLISECONDS."),
    "buffers_checkpoint": _counter("buffers_checkpoint", "Blocks written by checkpoints."),
    "buffers_clean": _counter("buffers_clean", "Blocks written by the background writer."),
    "maxwritten_clean": _counter(
        "maxwritten_clean", "Times the background writer stopped because it had written its share."
    ),
    "buffers_backend": _counter(
        "buffers_backend", "Blocks that sessions wrote themselves; from Postgres 17 on taken from pg_stat_io."
    ),
    "buffers_backend_fsync": _counter(
        "buffers_backend_fsync", "Syncs that sessions did themselves; from Postgres 17 on taken from pg_stat_io."
    ),
    "buffers_alloc": _counter("buffers_alloc", "Blocks allocated in shared buffers."),
    "stats_reset": _counter(
        "stats_reset", "When the background writer's counters were last set to zero, Unix time; 0: never."
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the eleven counters, on every version."""
    return per_column(rows, FAMILIES)


VIEW = View(
    name="stat_bgwriter",
    sql={90200: SQL, 170000: SQL_17, 180000: SQL_18},
    families=tuple(FAMILIES.values()),
    convert=convert,
    preset=Preset.MINIMAL,
)
