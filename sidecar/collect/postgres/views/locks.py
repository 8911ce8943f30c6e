"""Locks by database and mode, from pg_locks."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

SQL = """
SELECT d.datname, lower(l.mode) AS mode, count(l.mode)::int8 AS locks
  FROM pg_catalog.pg_database d
  LEFT JOIN pg_catalog.pg_locks l ON l.database = d.oid
 GROUP BY 1, 2
"""

MODES = (
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
)

COUNT = Family(
    "pg_locks_count", MetricType.GAUGE, "Locks held or waited for, by database and mode.", ("datname", "mode")
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return every mode of every database; everyone may see all locks, so none means zero."""
    counts = {(row["datname"], mode): 0.0 for row in rows for mode in MODES}
    counts |= {(row["datname"], row["mode"]): float(row["locks"]) for row in rows if row["mode"]}
    samples = [
        Sample(COUNT.name, (("datname", datname), ("mode", mode)), value) for (datname, mode), value in counts.items()
    ]
    yield FamilySamples(COUNT, samples)


VIEW = View(name="locks", sql={90200: SQL}, families=(COUNT,), convert=convert, preset=Preset.MINIMAL)
