"""Since when autovacuum works on which table, from pg_stat_activity."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

SQL = """
SELECT split_part(query, '.', 2) AS relname, min(EXTRACT(EPOCH FROM xact_start))::float8 AS started
  FROM pg_catalog.pg_stat_activity
 WHERE query LIKE 'autovacuum:%' AND xact_start IS NOT NULL
 GROUP BY 1
"""

# Stands behind the name in the text of the activity.
WRAPAROUND = " (to prevent wraparound)"

STARTED = Family(
    "pg_stat_activity_autovacuum_timestamp_seconds",
    MetricType.GAUGE,
    "When the autovacuum of the table began, Unix time; of several tables of that name the oldest. Needs pg_monitor.",
    ("relname",),
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per name of a table; a role that does not see the activity of others gets none."""
    oldest: dict[str, float] = {}
    for row in rows:
        relname = row["relname"].removesuffix(WRAPAROUND)
        oldest[relname] = min(row["started"], oldest.get(relname, row["started"]))
    if oldest:
        samples = [Sample(STARTED.name, labels_of({"relname": name}), value) for name, value in oldest.items()]
        yield FamilySamples(STARTED, samples)


VIEW = View(
    name="stat_activity_autovacuum", sql={100000: SQL}, families=(STARTED,), convert=convert, preset=Preset.FULL
)
