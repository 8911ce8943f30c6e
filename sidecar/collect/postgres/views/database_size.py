"""Size of each database: seldom, because the server looks at every file."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Limits, Row, Schedule, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

# Without CONNECT or pg_read_all_stats the size function is an error, for the whole statement.
SQL = """
SELECT datname, pg_database_size(oid)::int8 AS size_bytes
  FROM pg_catalog.pg_database
 WHERE datconnlimit <> -2
   AND (has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE'))
"""

SIZE = Family("pg_database_size_bytes", MetricType.GAUGE, "Disk space of the database in bytes.", ("datname",))


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per database; one that the role may not ask for is left out."""
    return per_column(rows, {"size_bytes": SIZE}, ("datname",))


VIEW = View(
    name="database_size",
    sql={90200: SQL},
    families=(SIZE,),
    convert=convert,
    schedule=Schedule(every_seconds=300.0, slow=True),
    limits=Limits(lock_seconds=0.1),
)
