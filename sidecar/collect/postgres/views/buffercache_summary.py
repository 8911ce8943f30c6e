"""Use of the shared buffers, from the extension pg_buffercache."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.extension import schema_of
from sidecar.collect.postgres.view import SCHEMA, Row, Schedule, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = f"""
SELECT buffers_used::int8 AS buffers_used, buffers_unused::int8 AS buffers_unused,
       buffers_dirty::int8 AS buffers_dirty, buffers_pinned::int8 AS buffers_pinned, usagecount_avg
  FROM {SCHEMA}.pg_buffercache_summary()
"""  # noqa: S608 - a placeholder

SCHEMA_SQL = schema_of("pg_buffercache", "pg_buffercache_summary", "")


def _gauge(column: str, text: str) -> Family:
    return Family(f"pg_buffercache_summary_{column}", MetricType.GAUGE, text)


FAMILIES = {
    "buffers_used": _gauge(
        "buffers_used", "Shared buffers in use; needs the extension pg_buffercache, and pg_monitor."
    ),
    "buffers_unused": _gauge("buffers_unused", "Shared buffers that are free."),
    "buffers_dirty": _gauge("buffers_dirty", "Shared buffers that are not written yet."),
    "buffers_pinned": _gauge("buffers_pinned", "Shared buffers that somebody holds."),
    "usagecount_avg": _gauge("usagecount_avg", "Mean usage count of the shared buffers in use."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the five gauges."""
    return per_column(rows, FAMILIES)


VIEW = View(
    name="buffercache_summary",
    sql={160000: SQL},
    families=tuple(FAMILIES.values()),
    convert=convert,
    preset=Preset.FULL,
    schedule=Schedule(slow=True),
    predicate=SCHEMA_SQL,
)
