"""How near each database is to running out of transaction ids."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = """
SELECT datname,
       age(datfrozenxid)::int8 AS age_datfrozenxid, mxid_age(datminmxid)::int8 AS age_datminmxid
  FROM pg_catalog.pg_database
 WHERE datallowconn
"""

LABELS = ("datname",)


def _family(column: str, text: str) -> Family:
    return Family(f"pg_database_wraparound_{column}_seconds", MetricType.GAUGE, text, LABELS)


FAMILIES = {
    "age_datfrozenxid": _family(
        "age_datfrozenxid", "TRANSACTIONS (not seconds) since the oldest one that is not frozen everywhere."
    ),
    "age_datminmxid": _family(
        "age_datminmxid", "MULTIXACTS (not seconds) since the oldest one that is not frozen everywhere."
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return both ages of each database."""
    return per_column(rows, FAMILIES, LABELS)


VIEW = View(name="database_wraparound", sql={90500: SQL}, families=tuple(FAMILIES.values()), convert=convert)
