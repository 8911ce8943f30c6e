"""Whether there is a pg_stat_statements to ask, and what is to be done where not; with `stat_statements` only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.statements_sql import IS_LOADED_SQL, SCHEMA_SQL, is_selected
from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.family import Family, FamilySamples, MetricType

# A setting that only a superuser may read is NULL to others, or not there: then nothing is known against it.
SQL = f"""
SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_stat_statements') AS is_created,
       EXISTS ({SCHEMA_SQL}) AS is_usable, {IS_LOADED_SQL} AS is_loaded,
       COALESCE(current_setting('compute_query_id', true), 'auto') AS query_ids,
       COALESCE(current_setting('pg_stat_statements.track', true), 'top') AS track
"""  # noqa: S608 - all parts are ours

AVAILABLE = Family(
    "sidecar_pg_statements_available",
    MetricType.GAUGE,
    "1 if statements are collected; 0 if the server does not record them (pg_stat_statements is not in "
    "shared_preload_libraries, or a setting turns it off), the extension is missing in the database of the DSN, or "
    "the role may not use it: the log says which, and what to do.",
)

NOT_LOADED = (
    "has no statements: add pg_stat_statements to shared_preload_libraries in postgresql.conf, and restart the server."
)
NOT_CREATED = "has no statements: run CREATE EXTENSION pg_stat_statements in the database of the DSN."
NOT_USABLE = (
    "has no statements: the role may not call pg_stat_statements(boolean), or the extension is too old to have it; "
    "grant EXECUTE on it and USAGE on its schema, or run ALTER EXTENSION pg_stat_statements UPDATE."
)
NO_QUERY_IDS = "has no statements: compute_query_id is off; set it to auto in postgresql.conf, and reload."
NOT_TRACKED = "has no statements: pg_stat_statements.track is none; set it to top in postgresql.conf, and reload."


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return whether statements are recorded and can be asked for, and advise what is to be done."""
    for row in rows:
        missing = list(_missing(row))
        server.notes.advice += missing
        yield from one(AVAILABLE, float(not missing))


def _missing(row: Row) -> Iterable[str]:
    if not row["is_loaded"]:
        yield NOT_LOADED
    if not row["is_created"]:
        yield NOT_CREATED
    elif not row["is_usable"]:
        yield NOT_USABLE
    if row["is_loaded"] and row["query_ids"] == "off":
        yield NO_QUERY_IDS
    if row["is_loaded"] and row["track"] == "none":
        yield NOT_TRACKED


def _adapt(config: PostgresConfig) -> View:
    return VIEW if is_selected(config) else replace(VIEW, sql={})


VIEW = View(
    name="statements_available",
    sql={130000: SQL},
    families=(AVAILABLE,),
    convert=convert,
    preset=Preset.MINIMAL,
    adapt=_adapt,
)
