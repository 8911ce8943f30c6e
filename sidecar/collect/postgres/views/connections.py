"""How full the server is: connections against what is left for ordinary roles."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType

# Senders of WAL and workers have places of their own. Postgres 16 brought places for members of a role.
SQL = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend')::int8 AS used,
       current_setting('max_connections')::int8 AS places,
       current_setting('superuser_reserved_connections')::int8
         + COALESCE(current_setting('reserved_connections', true)::int8, 0) AS reserved
  FROM pg_catalog.pg_stat_activity
"""

USED = Family("sidecar_pg_connections_used", MetricType.GAUGE, "Connections of clients, our own included.")
LIMIT = Family(
    "sidecar_pg_connections_limit",
    MetricType.GAUGE,
    "Connections at which ordinary roles are refused: max_connections without those that are reserved.",
)
RESERVED = Family(
    "sidecar_pg_connections_reserved",
    MetricType.GAUGE,
    "Connections kept for superusers and for members of pg_use_reserved_connections.",
)
RATIO = Family(
    "sidecar_pg_connections_used_ratio",
    MetricType.GAUGE,
    "Connections used as a share of those for ordinary roles; from 1 on these are refused.",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return use and limits; a role that cannot tell clients from other processes gets the limits."""
    for row in rows:
        limit = row["places"] - row["reserved"]
        yield from one(LIMIT, limit)
        yield from one(RESERVED, row["reserved"])
        if server.can_monitor:
            yield from one(USED, row["used"])
            yield from one(RATIO, row["used"] / limit)


VIEW = View(name="connections", sql={100000: SQL}, families=(USED, LIMIT, RESERVED, RATIO), convert=convert)
