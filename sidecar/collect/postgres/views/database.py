"""Connection limit of each database."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT datname, datconnlimit::int8 AS connection_limit
  FROM pg_catalog.pg_database
 WHERE datconnlimit <> -2
"""

LIMIT = Family(
    "pg_database_connection_limit",
    MetricType.GAUGE,
    "Most connections the database may have at a time; -1: no limit of its own.",
    ("datname",),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per database."""
    return per_column(rows, {"connection_limit": LIMIT}, ("datname",))


VIEW = View(name="database", sql={90200: SQL}, families=(LIMIT,), convert=convert)
