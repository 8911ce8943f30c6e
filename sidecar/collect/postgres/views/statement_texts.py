"""Texts of the statements that `stat_statements` shows: with it, and with `statements.query_text` on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig, StatementsConfig
from sidecar.collect.postgres.statement_text import masked
from sidecar.collect.postgres.statements_sql import CAN_ASK_SQL, NUMBERS_SQL, is_selected
from sidecar.collect.postgres.view import SCHEMA, Row, Schedule, Server, View
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

# Of the same statements: the first by share of time or of temporary blocks. A text is read some way beyond its limit,
# because masking makes it shorter.
_SELECT = """
SELECT t.queryid::text AS queryid, left(min(t.query), {characters}) AS query
  FROM (SELECT user_id, database_id, query_id
          FROM (SELECT user_id, database_id, query_id,
                       GREATEST(seconds / NULLIF(sum(seconds) OVER (), 0),
                                temp_blocks / NULLIF(sum(temp_blocks) OVER (), 0)) AS share
                  FROM ({statements}) numbers) shares
         ORDER BY share DESC NULLS LAST
         LIMIT {most}) first
  JOIN {schema}.pg_stat_statements(true) t
    ON t.userid = first.user_id AND t.dbid = first.database_id AND t.queryid = first.query_id
 GROUP BY 1
"""
READ_PER_SHOWN = 4

QUERY_ID = Family(
    "pg_stat_statements_query_id",
    MetricType.COUNTER,
    "Always 1; the text of the statement without literals and comments, cut to a limit.",
    ("queryid", "query"),
)


def convert(rows: Sequence[Row], server: Server, max_length: int = 200) -> Iterable[FamilySamples]:
    """Return one text per queryid."""
    samples = [
        Sample(
            QUERY_ID.name,
            labels_of({"queryid": row["queryid"], "query": masked(row["query"] or "", max_length)}),
            1.0,
        )
        for row in rows
    ]
    yield FamilySamples(QUERY_ID, samples)


def _sql(config: StatementsConfig) -> str:
    return _SELECT.format(
        characters=config.query_text_max_length * READ_PER_SHOWN,
        statements=NUMBERS_SQL,
        schema=SCHEMA,
        most=config.max,
    )


def _adapt(config: PostgresConfig) -> View:
    statements = config.statements
    if not (statements.query_text and is_selected(config)):
        return replace(VIEW, sql={})
    return replace(
        VIEW, sql={130000: _sql(statements)}, convert=partial(convert, max_length=statements.query_text_max_length)
    )


VIEW = View(
    name="statement_texts",
    sql={130000: _sql(StatementsConfig())},
    families=(QUERY_ID,),
    convert=convert,
    preset=Preset.MINIMAL,
    schedule=Schedule(every_seconds=300.0, slow=True),
    predicate=CAN_ASK_SQL,
    adapt=_adapt,
)
