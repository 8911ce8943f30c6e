"""Size and connection limit of each database."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# Without CONNECT or pg_read_all_stats the size function is an error, for the whole statement.
SQL = """
SELECT datname::text AS datname,
       datconnlimit::int8 AS connection_limit,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(oid)::int8 END AS size_bytes
  FROM pg_catalog.pg_database
 WHERE datconnlimit <> -2
"""

FAMILIES = {
    "size_bytes": Family(
        "pg_database_size_bytes", MetricType.GAUGE, "Disk space of the database in bytes.", ("datname",)
    ),
    "connection_limit": Family(
        "pg_database_connection_limit",
        MetricType.GAUGE,
        "Most connections the database may have at a time; -1: no limit of its own.",
        ("datname",),
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per database and family; a size the role may not ask for is left out."""
    return per_column(rows, FAMILIES, ("datname",))


VIEW = View("database", {90200: SQL}, tuple(FAMILIES.values()), convert, slow=True)
