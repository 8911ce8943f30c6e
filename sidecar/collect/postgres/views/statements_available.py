"""Whether there is a pg_stat_statements to ask; with `stat_statements` only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.statements_sql import SCHEMA_SQL, is_selected
from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType

AVAILABLE = Family(
    "sidecar_pg_statements_available",
    MetricType.GAUGE,
    "1 if statements are collected; 0 if the extension pg_stat_statements is missing in the database of the DSN "
    "(CREATE EXTENSION pg_stat_statements), or the role may not use it.",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return whether the extension can be asked."""
    for row in rows:
        yield from one(AVAILABLE, float(row["is_available"]))


def _adapt(config: PostgresConfig) -> View:
    return VIEW if is_selected(config) else replace(VIEW, sql={})


VIEW = View(
    name="statements_available",
    sql={130000: f"SELECT EXISTS ({SCHEMA_SQL}) AS is_available"},
    families=(AVAILABLE,),
    convert=convert,
    preset=Preset.MINIMAL,
    adapt=_adapt,
)
