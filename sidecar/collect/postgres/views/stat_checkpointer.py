"""Checkpoints and restartpoints, from pg_stat_checkpointer."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done,
       write_time, sync_time, buffers_written,
       COALESCE(EXTRACT(EPOCH FROM stats_reset), 0)::float8 AS stats_reset
  FROM pg_catalog.pg_stat_checkpointer
"""


def _counter(column: str, text: str) -> Family:
    return Family(f"pg_stat_checkpointer_{column}_total", MetricType.COUNTER, text)


FAMILIES = {
    "num_timed": _counter("num_timed", "Checkpoints that were due by time, also those left out because of idleness."),
    "num_requested": _counter("num_requested", "Checkpoints that were asked for, by full WAL or by a command."),
    "restartpoints_timed": _counter("restartpoints_timed", "Restartpoints of a replica that were due by time."),
    "restartpoints_req": _counter("restartpoints_req", "Restartpoints of a replica that were asked for."),
    "restartpoints_done": _counter("restartpoints_done", "Restartpoints of a replica that were made."),
    "write_time": _counter("write_time", "Time spent writing files, in MILLISECONDS."),
    "sync_time": _counter("sync_time", "Time spent syncing files, in MILLISECONDS."),
    "buffers_written": _counter("buffers_written", "Blocks written."),
    "stats_reset": _counter("stats_reset", "When these counters were last set to zero, Unix time; 0: never."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the nine counters."""
    return per_column(rows, FAMILIES)


VIEW = View(name="stat_checkpointer", sql={170000: SQL}, families=tuple(FAMILIES.values()), convert=convert)
