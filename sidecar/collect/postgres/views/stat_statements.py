"""Statements that cost most, from pg_stat_statements, and all others together.

The extension must be in the database of the DSN.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter

from sidecar.collect.postgres.config import PostgresConfig, StatementsConfig
from sidecar.collect.postgres.statements import Numbers, Statement, Statements
from sidecar.collect.postgres.statements_sql import (
    CAN_ASK_SQL,
    NUMBERS_SQL,
    STATEMENTS_PRESET,
    STATEMENTS_VIEW,
)
from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

SQL = f"""
SELECT s.user_id, s.database_id, s.query_id, s.calls, s.seconds, s.rows, s.block_read_seconds, s.block_write_seconds,
       s.temp_blocks, pg_get_userbyid(s.user_id) AS user, d.datname,
       EXTRACT(EPOCH FROM pg_postmaster_start_time())::int8 AS server_start
  FROM ({NUMBERS_SQL}) s
  JOIN pg_catalog.pg_database d ON d.oid = s.database_id
"""  # noqa: S608 - both parts are ours

_KEY = itemgetter("user_id", "database_id", "query_id")
_NUMBERS = itemgetter(*Numbers._fields)

LABELS = ("user", "datname", "queryid")
OTHERS = "other"
"""`queryid` of all statements of a database that are not shown for themselves."""


def _counter(name: str, text: str) -> Family:
    return Family(name, MetricType.COUNTER, text, LABELS)


FAMILIES = {
    "calls": _counter(
        "pg_stat_statements_calls_total",
        "Times the statement was executed; queryid `other`: all that are not shown, since the sidecar started. "
        "Increases add up to what was executed, whichever statements are shown.",
    ),
    "seconds": _counter("pg_stat_statements_seconds_total", "Time executing the statement."),
    "rows": _counter("pg_stat_statements_rows_total", "Rows that the statement returned or changed."),
    "block_read_seconds": _counter(
        "pg_stat_statements_block_read_seconds_total",
        "Time the statement spent reading blocks; 0 unless the server has track_io_timing on.",
    ),
    "block_write_seconds": _counter(
        "pg_stat_statements_block_write_seconds_total",
        "Time the statement spent writing blocks; 0 unless the server has track_io_timing on.",
    ),
    "temp_blocks": _counter(
        "sidecar_pg_statement_temp_blocks_total",
        "Blocks of temporary files that the statement read and wrote: what did not fit into work_mem.",
    ),
}


def convert(rows: Sequence[Row], server: Server, statements: Statements | None = None) -> Iterable[FamilySamples]:
    """Return the counters of the statements that `statements` shows, and of the others by database.

    Without `statements` that is what a first scrape shows.
    """
    if not rows:
        return
    # As few steps as possible per row: there may be thousands.
    found = dict(zip(map(Statement._make, map(_KEY, rows)), rows, strict=True))
    numbers = dict(zip(found, map(Numbers._make, map(_NUMBERS, rows)), strict=True))
    shown = (statements or Statements(StatementsConfig().max)).feed(numbers, rows[0]["server_start"])
    rows_by_database = {key.database_id: row for key, row in found.items()}
    series = [(_labels(found[key]), values) for key, values in shown.statements.items()]
    series += [
        (labels_of({"datname": rows_by_database[database]["datname"], "queryid": OTHERS}), values)
        for database, values in shown.others.items()
    ]
    for name, family in FAMILIES.items():
        yield FamilySamples(family, [Sample(family.name, labels, getattr(values, name)) for labels, values in series])


def _labels(row: Row) -> Labels:
    return labels_of({"user": row["user"], "datname": row["datname"], "queryid": str(row["query_id"])})


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, convert=partial(convert, statements=Statements(config.statements.max)))


VIEW = View(
    name=STATEMENTS_VIEW,
    sql={130000: SQL},
    families=tuple(FAMILIES.values()),
    convert=convert,
    limited=True,
    preset=STATEMENTS_PRESET,
    predicate=CAN_ASK_SQL,
    adapt=_adapt,
    probe=convert,
)
