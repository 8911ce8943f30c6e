"""Number and size of the WAL files, from the server's directory."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT count(*)::int8 AS segments, sum(size)::int8 AS size_bytes
  FROM pg_catalog.pg_ls_waldir()
 WHERE name ~ '^[0-9A-F]{24}$'
"""

# Calling what one may not call is an error, even where the call is never reached.
MAY_LIST_SQL = "SELECT has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE')"

FAMILIES = {
    "segments": Family("pg_wal_segments", MetricType.GAUGE, "WAL files in the server's directory; needs pg_monitor."),
    "size_bytes": Family("pg_wal_size_bytes", MetricType.GAUGE, "Size of the WAL files in bytes; needs pg_monitor."),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both gauges."""
    return per_column(rows, FAMILIES)


VIEW = View(name="wal", sql={100000: SQL}, families=tuple(FAMILIES.values()), convert=convert, predicate=MAY_LIST_SQL)
