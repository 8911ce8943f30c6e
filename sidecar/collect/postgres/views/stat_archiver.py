"""WAL archiving, from pg_stat_archiver."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT archived_count, failed_count,
       EXTRACT(EPOCH FROM clock_timestamp() - last_archived_time)::float8 AS last_archive_age
  FROM pg_catalog.pg_stat_archiver
"""

FAMILIES = {
    "archived_count": Family("pg_stat_archiver_archived_count", MetricType.COUNTER, "WAL files archived."),
    "failed_count": Family(
        "pg_stat_archiver_failed_count", MetricType.COUNTER, "Attempts to archive a WAL file that failed."
    ),
    "last_archive_age": Family(
        "pg_stat_archiver_last_archive_age",
        MetricType.GAUGE,
        "Seconds since a WAL file was last archived; absent until there was one.",
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the counters and the age."""
    return per_column(rows, FAMILIES)


VIEW = View(name="stat_archiver", sql={90400: SQL}, families=tuple(FAMILIES.values()), convert=convert)
