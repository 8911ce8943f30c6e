"""Connection limit of each role."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = "SELECT rolname, rolconnlimit::int8 AS connection_limit FROM pg_catalog.pg_roles"

LIMIT = Family(
    "pg_roles_connection_limit",
    MetricType.GAUGE,
    "Most connections the role may have at a time; -1: no limit of its own.",
    ("rolname",),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per role."""
    return per_column(rows, {"connection_limit": LIMIT}, ("rolname",))


VIEW = View(name="roles", sql={90200: SQL}, families=(LIMIT,), convert=convert)
