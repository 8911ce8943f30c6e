"""Open transactions of others, and the age of the oldest."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType

_SELECT = """
SELECT count(*)::int8 AS transactions,
       COALESCE(max(EXTRACT(EPOCH FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest_seconds
  FROM pg_catalog.pg_stat_activity
 WHERE state IS DISTINCT FROM 'idle' AND query NOT LIKE 'autovacuum:%' AND pid <> pg_backend_pid()
   AND xact_start <= clock_timestamp() - make_interval(secs => {seconds})
"""

COUNT = Family(
    "pg_long_running_transactions",
    MetricType.GAUGE,
    "Transactions open for at least `long_transaction_seconds`, without our own, which postgres_exporter counts too, "
    "and without those of autovacuum. Needs pg_monitor.",
)
OLDEST = Family(
    "pg_long_running_transactions_oldest_timestamp_seconds",
    MetricType.GAUGE,
    "AGE in seconds (not a timestamp) of the oldest of these transactions; 0: there is none.",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return number and age; a role that does not see the transactions of others cannot know them."""
    for row in rows:
        if server.can_monitor:
            yield from one(COUNT, row["transactions"])
            yield from one(OLDEST, row["oldest_seconds"])


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, sql={100000: _SELECT.format(seconds=config.long_transaction_seconds)})


VIEW = View(
    name="long_running_transactions",
    sql={100000: _SELECT.format(seconds=0)},
    families=(COUNT, OLDEST),
    convert=convert,
    adapt=_adapt,
)
